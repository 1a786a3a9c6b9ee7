import type { Schemas } from '@/api/client';
import type { Column } from '@/components/DataTable';
import { Carbon, Cost } from '@/components/estimate/figures';
import { formatDuration } from '@/lib/format';

type Place = Schemas['PlaceView'];

/** Provider and region; one's own machine has the same name twice. */
export function placeName(offer: Place['offer']): string {
  return [...new Set([offer.provider, offer.region])].filter(Boolean).join(' ');
}

/** Where it is, and what it is. */
export const WHERE: Column<Place>[] = [
  { id: 'place', header: 'Place', render: (place) => placeName(place.offer) },
  {
    id: 'machine',
    header: 'Machine',
    render: (place) => place.offer.accelerators ?? place.offer.instance_type,
  },
];

/** What it costs, how long it takes, and what it emits. */
export const COSTS: Column<Place>[] = [
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
];
