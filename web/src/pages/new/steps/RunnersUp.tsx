import { Text } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { formatCount } from '@/lib/format';
import { More } from '@/components/More';
import { COSTS, WHERE } from './placeColumns';

type Place = Schemas['PlaceView'];

const COLUMNS: Column<Place>[] = [
  ...WHERE,
  ...COSTS,
  {
    id: 'against',
    header: 'Against the chosen one',
    hideBelow: 'md',
    render: (place) => (
      <Text size="xs" lineClamp={2} title={[...place.better, ...place.worse].join('; ')}>
        {[...place.better, ...place.worse].join('; ') || 'alike'}
        {place.is_runnable ? '' : ' · not connected'}
      </Text>
    ),
  },
];

/** The next best places. */
export function RunnersUp({ places, fitting, seen }: { places: Place[]; fitting: number; seen: number }) {
  if (places.length === 0) return null;
  return (
    <More label={`Runners-up: ${formatCount(fitting)} of ${formatCount(seen)} offers fit`}>
      <DataTable label="Runners-up" rows={places} columns={COLUMNS} rowKey={(place) => place.key} />
    </More>
  );
}
