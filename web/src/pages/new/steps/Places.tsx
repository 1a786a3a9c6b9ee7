import { Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { api } from '@/api/client';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDraft } from '../draft';
import type { PlaceMode } from '../drafts';
import { NotSupported } from '../fields';

const PlanPlaces = lazy(() => import('./PlanPlaces'));

const MODES: { value: PlaceMode; label: string }[] = [
  { value: 'auto', label: 'Best that fits' },
  { value: 'pinned', label: 'One offer' },
  { value: 'several', label: 'Any of several' },
];

/** Where the job may go: anywhere that fits, to one offer, or to any of some. */
export function Places() {
  const { draft, spec, change } = useDraft();
  const [error, setError] = useState<unknown>(null);

  async function hold(offers: string[], mode: PlaceMode) {
    setError(null);
    try {
      const { data } = await api.POST('/api/v1/job-files/places', { body: { spec, offers } });
      if (data)
        change({
          spec: data.spec,
          mode,
          offers,
          placeNotes: offers.length > 0 ? [data.text, ...data.notes] : [],
        });
    } catch (problem) {
      setError(problem);
    }
  }

  function pick(key: string) {
    if (draft.offers.includes(key))
      void hold(
        draft.offers.filter((each) => each !== key),
        draft.mode,
      );
    else void hold(draft.mode === 'several' ? [...draft.offers, key] : [key], draft.mode);
  }

  function choose(mode: PlaceMode) {
    if (mode === 'auto') void hold([], mode);
    else if (mode === 'pinned' && draft.offers.length > 1) void hold(draft.offers.slice(0, 1), mode);
    else change({ mode });
  }

  return (
    <Panel title="Where">
      <Stack gap="md">
        <SegmentedControl
          data={MODES}
          value={draft.mode}
          onChange={(mode) => choose(mode)}
          aria-label="Where it may run"
          size="sm"
        />
        <ProblemAlert error={error} />
        {draft.mode === 'auto' ? (
          <Text size="sm" c="var(--tw-quiet)">
            The strategy below chooses among all connected places as the job starts, and again whenever it has
            to move.
          </Text>
        ) : null}
        <div aria-live="polite">
          {draft.placeNotes.map((note) => (
            <Text key={note} size="sm">
              {note.charAt(0).toUpperCase() + note.slice(1)}
            </Text>
          ))}
        </div>
        {draft.mode !== 'auto' ? (
          <Suspense fallback={<Loader size="sm" role="status" aria-label="Loading" />}>
            <PlanPlaces picked={draft.offers} onPick={pick} />
          </Suspense>
        ) : null}
        {draft.mode === 'several' ? <NotSupported where="resources.any_of" /> : null}
      </Stack>
    </Panel>
  );
}
