import { Loader, SegmentedControl, Stack, Tabs, Text } from '@mantine/core';
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import { api } from '@/api/client';
import type { OfferSearch } from '@/components/offers/types';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDraft } from '../draft';
import type { PlaceMode } from '../drafts';
import { asList, asText, read } from '../spec';
import { PlaceOrder } from './PlaceOrder';

const PlanPlaces = lazy(() => import('./PlanPlaces'));
const OffersExplorer = lazy(async () => ({
  default: (await import('@/components/offers/OffersExplorer')).OffersExplorer,
}));

const MODES: { value: PlaceMode; label: string }[] = [
  { value: 'auto', label: 'Best that fits' },
  { value: 'pinned', label: 'One offer' },
  { value: 'ordered', label: 'In order' },
  { value: 'several', label: 'Any of several' },
];

/** Where the job may go: anywhere that fits, to one offer, to the first of some that can be had, or to any of them. */
export function Places() {
  const { draft, spec, change } = useDraft();
  const [error, setError] = useState<unknown>(null);
  const asked = useRef(0);

  const wanted = JSON.stringify(read(spec, ['resources', 'accelerators']) ?? []);
  const hours = Number(asText(read(spec, ['estimate', 'hours'])));
  const on = asText(read(spec, ['estimate', 'on']));
  // What the job asks for is not to be filtered away.
  const fixed = useMemo<OfferSearch>(
    () => ({ gpu: asList(JSON.parse(wanted)), ...(hours > 0 ? { hours, ...(on ? { on } : {}) } : {}) }),
    [wanted, hours, on],
  );

  const isOrdered = draft.mode === 'ordered';
  const isSeveral = isOrdered || draft.mode === 'several';

  async function hold(offers: string[], mode: PlaceMode) {
    setError(null);
    const before = { offers: draft.offers, mode: draft.mode };
    const mine = ++asked.current;
    // The choice is seen at once; only the answer to the last one counts.
    change({ offers, mode });
    try {
      const { data } = await api.POST('/api/v1/job-files/places', {
        body: { spec, offers, ordered: mode !== 'several' },
      });
      if (data && mine === asked.current)
        change({ spec: data.spec, placeNotes: offers.length > 0 ? [data.text, ...data.notes] : [] });
    } catch (problem) {
      if (mine !== asked.current) return;
      change(before);
      setError(problem);
    }
  }

  function pick(key: string) {
    if (draft.offers.includes(key))
      void hold(
        draft.offers.filter((each) => each !== key),
        draft.mode,
      );
    else void hold(isSeveral ? [...draft.offers, key] : [key], draft.mode);
  }

  function choose(mode: PlaceMode) {
    if (mode === 'auto') void hold([], mode);
    else if (mode === 'pinned' && draft.offers.length > 1) void hold(draft.offers.slice(0, 1), mode);
    else if (draft.offers.length > 1) void hold(draft.offers, mode);
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
        {isSeveral ? (
          <>
            <Text size="sm" c="var(--tw-quiet)">
              {isOrdered
                ? 'Choose offers below. The first that can be had is taken, the next are what to fall back on.'
                : 'Choose offers below. The strategy takes the best deal of them.'}
            </Text>
            <PlaceOrder
              offers={draft.offers}
              isOrdered={isOrdered}
              onChange={(offers) => void hold(offers, draft.mode)}
            />
          </>
        ) : null}
        {draft.mode !== 'auto' ? (
          <Tabs defaultValue="best" keepMounted={false}>
            <Tabs.List mb="sm">
              <Tabs.Tab value="best">Best for this job</Tabs.Tab>
              <Tabs.Tab value="all">All offers</Tabs.Tab>
            </Tabs.List>
            <Suspense fallback={<Loader size="sm" role="status" aria-label="Loading" />}>
              <Tabs.Panel value="best">
                <PlanPlaces picked={draft.offers} onPick={pick} />
              </Tabs.Panel>
              <Tabs.Panel value="all">
                <OffersExplorer
                  fixed={fixed}
                  picked={draft.offers}
                  onPick={(offer) => pick(offer.key)}
                  urlPrefix={null}
                  compact
                />
              </Tabs.Panel>
            </Suspense>
          </Tabs>
        ) : null}
      </Stack>
    </Panel>
  );
}
