import { Text } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { Carbon, Cost } from '@/components/estimate/figures';
import { formatCount, formatDuration } from '@/lib/format';
import { More } from '@/components/More';

type Place = Schemas['PlaceView'];

/** Provider and region; one's own machine has the same name twice. */
export function placeName(offer: Place['offer']): string {
  return [...new Set([offer.provider, offer.region])].filter(Boolean).join(' ');
}

const COLUMNS: Column<Place>[] = [
  { id: 'place', header: 'Place', render: (place) => placeName(place.offer) },
  {
    id: 'machine',
    header: 'Machine',
    render: (place) => place.offer.accelerators ?? place.offer.instance_type,
  },
  { id: 'price', header: 'Price', align: 'right', render: (place) => `${place.offer.price_per_hour.text}/h` },
  {
    id: 'cost',
    header: 'Cost',
    align: 'right',
    hideBelow: 'sm',
    render: (place) => <Cost middle={place.cost} from={place.cost_p10} to={place.cost_p90} />,
  },
  {
    id: 'wall',
    header: 'Done in',
    align: 'right',
    hideBelow: 'md',
    render: (place) => (place.wall_hours === null ? '–' : formatDuration(place.wall_hours * 3600)),
  },
  {
    id: 'carbon',
    header: 'Carbon',
    align: 'right',
    hideBelow: 'lg',
    render: (place) => <Carbon grams={place.carbon_grams} />,
  },
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
