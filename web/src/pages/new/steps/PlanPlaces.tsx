import { Button, Loader, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useMemo } from 'react';
import { $api, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDraft } from '../draft';
import { write, type Spec } from '../spec';
import { COSTS, WHERE } from './placeColumns';

type Place = Schemas['PlaceView'];

/** The places of a plan, the best first, to choose among. */
export default function PlanPlaces({ picked, onPick }: { picked: string[]; onPick: (key: string) => void }) {
  const { estimable } = useDraft();
  // What was picked before must not hide what else there is.
  const open = useMemo(() => {
    const free = (spec: Spec, key: string) => write(spec, ['resources', key], undefined);
    return estimable && ['providers', 'regions', 'spot', 'any_of', 'ordered'].reduce(free, estimable);
  }, [estimable]);
  const [asked] = useDebouncedValue(open, 300);
  const { data, error, isPending } = $api.useQuery(
    'post',
    '/api/v1/plans',
    { body: { spec: asked ?? {}, compares: true, is_draft: true } },
    { placeholderData: keepPreviousData, staleTime: 30_000, enabled: asked !== undefined },
  );
  if (open === undefined)
    return (
      <Text size="sm">There are places to choose among as soon as what is written so far is right.</Text>
    );
  if (isPending) return <Loader size="sm" role="status" aria-label="Loading" />;
  if (error) return <ProblemAlert error={error} />;
  const found = [data.place, data.best_anywhere, ...data.runners_up].filter((place) => place !== null);
  const places = found.filter(
    (place, index) => found.findIndex((other) => other.key === place.key) === index,
  );
  if (places.length === 0) return <Text size="sm">{data.reason}</Text>;
  const columns: Column<Place>[] = [
    ...WHERE,
    {
      id: 'market',
      header: 'Terms',
      hideBelow: 'md',
      render: (place) => place.offer.market.replace('_', '-'),
    },
    ...COSTS,
    {
      id: 'pick',
      header: '',
      width: '120px',
      align: 'right',
      render: (place) => {
        const at = picked.indexOf(place.key);
        return (
          <Button
            size="compact-xs"
            variant={at >= 0 ? 'default' : 'light'}
            aria-pressed={at >= 0}
            aria-label={`Use ${place.offer.provider} ${place.offer.instance_type} ${place.offer.region}`}
            onClick={() => onPick(place.key)}
          >
            {at >= 0 ? 'Chosen' : place.is_runnable ? 'Use this' : 'Use, not connected'}
          </Button>
        );
      },
    },
  ];
  return (
    <DataTable label="Places to choose among" rows={places} columns={columns} rowKey={(place) => place.key} />
  );
}
