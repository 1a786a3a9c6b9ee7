import { keepPreviousData } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { $api, api, type Schemas } from '@/api/client';
import { isBlank, keepDraft, type Draft, type StepId } from './drafts';
import { isAt, read, write, type Path, type Spec } from './spec';

type Check = Schemas['DraftCheck'];
type Fault = Schemas['DraftFault'];

interface Value {
  draft: Draft;
  spec: Spec;
  form: Schemas['DraftForm'];
  /** The newest answer; of an earlier state while `isChecking`. */
  check: Check | undefined;
  checkError: unknown;
  isChecking: boolean;
  /** The newest draft that can be estimated: right, but for what is missing. */
  estimable: Spec | undefined;
  /** The answer for the draft as it is now. */
  recheck: () => Promise<Check | undefined>;
  isKept: boolean;
  change: (changes: Partial<Draft> | ((before: Draft) => Partial<Draft>)) => void;
  set: (path: Path, value: unknown) => void;
  get: (path: Path) => unknown;
  field: (path: Path) => Schemas['DraftField'] | undefined;
  /** What is wrong at a field, once somebody has had the chance to fill it in. */
  faultsAt: (path: Path) => Fault[];
  warningsAt: (path: Path) => Schemas['DraftWarning'][];
  /** Shows also what is missing in this step. */
  insist: (step: StepId) => void;
  isInsisted: (step: StepId) => boolean;
}

const Context = createContext<Value | null>(null);

export function useDraft(): Value {
  const value = useContext(Context);
  if (value === null) throw new Error('useDraft is used outside of the wizard');
  return value;
}

function isRightSoFar(check: Check): boolean {
  return check.faults.every(
    (fault) => fault.path.length === 1 && read(check.spec ?? {}, fault.path.map(String)) === undefined,
  );
}

export function DraftProvider({
  first,
  form,
  children,
}: {
  first: Draft;
  form: Schemas['DraftForm'];
  children: ReactNode;
}) {
  const [draft, setDraft] = useState(first);
  const [insisted, setInsisted] = useState<ReadonlySet<StepId>>(new Set());
  const [isKept, setKept] = useState(true);
  const { spec, workdir } = draft;
  const body = useMemo(() => ({ spec, workdir }), [spec, workdir]);
  const [asked] = useDebouncedValue(body, 250);
  const answer = $api.useQuery(
    'post',
    '/api/v1/job-files/check',
    { body: asked },
    { placeholderData: keepPreviousData, staleTime: 60_000 },
  );
  // The draft that the newest answer is about: what it says of a field holds for what stood there then.
  const [checked, setChecked] = useState(asked);
  if (answer.data && !answer.isPlaceholderData && checked !== asked) setChecked(asked);
  const isChecking = answer.isFetching || JSON.stringify(asked) !== JSON.stringify(body);

  useEffect(() => {
    if (isBlank(draft)) return undefined;
    const kept = keepDraft(draft);
    const told = window.setTimeout(() => setKept(kept));
    return () => window.clearTimeout(told);
  }, [draft]);

  const value = useMemo<Value>(() => {
    const check = answer.data;
    const holds = (path: Path) =>
      JSON.stringify(read(checked.spec, path)) === JSON.stringify(read(draft.spec, path));
    const change: Value['change'] = (changes) =>
      setDraft((before) => ({
        ...before,
        ...(typeof changes === 'function' ? changes(before) : changes),
        changedAt: new Date().toISOString(),
      }));
    return {
      draft,
      spec: draft.spec,
      form,
      check,
      checkError: answer.error,
      isChecking,
      estimable: check && isRightSoFar(check) ? (check.spec ?? undefined) : undefined,
      recheck: async () => {
        const asked = { spec: draft.spec, workdir: draft.workdir };
        return (await api.POST('/api/v1/job-files/check', { body: asked })).data;
      },
      isKept,
      change,
      set: (path, to) =>
        setDraft((before) => ({
          ...before,
          spec: write(before.spec, path, to),
          changedAt: new Date().toISOString(),
        })),
      get: (path) => read(draft.spec, path),
      field: (path) => form.fields.find((field) => field.key === path.join('.')),
      faultsAt: (path) =>
        (check?.faults ?? []).filter(
          (fault) =>
            isAt(fault.path, path) &&
            holds(path) &&
            (insisted.has(fault.step) || read(draft.spec, path) !== undefined),
        ),
      warningsAt: (path) =>
        (check?.warnings ?? []).filter((warning) => warning.where === path.join('.') && holds(path)),
      insist: (step) => setInsisted((before) => new Set(before).add(step)),
      isInsisted: (step) => insisted.has(step),
    };
  }, [draft, checked, form, answer.data, answer.error, isChecking, isKept, insisted]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
