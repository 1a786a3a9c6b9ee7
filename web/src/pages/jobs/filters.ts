import type { paths } from '@/api/schema';
import type { useUrlState } from '@/lib/url';
import type { Sort } from '@/components/DataTable';

type Url = ReturnType<typeof useUrlState>;
export type JobsQuery = NonNullable<paths['/api/v1/jobs']['get']['parameters']['query']>;

/** Filters of several values, as the address and the server name them, with what they are called. */
export const CHOICES = [
  { name: 'provider', label: 'Provider' },
  { name: 'accelerator', label: 'Accelerator' },
  { name: 'creator', label: 'Owner' },
  { name: 'tag', label: 'Tag' },
] as const;
export const ALL = ['q', 'status', 'since', 'until', ...CHOICES.map((each) => each.name)];
/** What the server calls a filter, where that is not what the address calls it. */
export const ADDRESS: Record<string, string> = {
  statuses: 'status',
  providers: 'provider',
  accelerators: 'accelerator',
  creators: 'creator',
  tags: 'tag',
};
/** Columns that the server can sort by, and whether it begins with the largest unless it is told otherwise. */
const SORTS = {
  created: { by: 'newest', descending: true },
  name: { by: 'name', descending: false },
  cost: { by: 'cost', descending: true },
  elapsed: { by: 'elapsed', descending: true },
  status: { by: 'status', descending: false },
} as const;
type SortName = keyof typeof SORTS;

export function readQuery(url: Url): JobsQuery {
  const { by, descending } = readSort(url);
  const own = SORTS[by as SortName];
  return {
    q: url.text('q') || undefined,
    status: url.list('status') as JobsQuery['status'],
    provider: url.list('provider'),
    accelerator: url.list('accelerator'),
    creator: url.list('creator'),
    tag: url.list('tag'),
    since: dayStart(url.text('since')),
    until: dayStart(url.text('until'), 1),
    sort: own.by,
    reverse: descending !== own.descending,
  };
}

export function readSort(url: Url): Sort {
  const by = url.text('sort', 'created');
  const known: SortName = by in SORTS ? (by as SortName) : 'created';
  const order = url.text('order');
  return { by: known, descending: order ? order === 'desc' : SORTS[known].descending };
}

/** A column that was not sorted by begins with what is looked for first: the dearest, the longest, the newest. */
export function writeSort(before: Sort, wanted: Sort): { sort: string; order: string } {
  const isNew = before.by !== wanted.by;
  const descending = isNew ? SORTS[wanted.by as SortName].descending : wanted.descending;
  return { sort: wanted.by, order: descending ? 'desc' : 'asc' };
}

export function isFiltered(url: Url): boolean {
  return ALL.some((name) => url.list(name).length > 0);
}

/** The start of a day where the browser is, some days later. */
function dayStart(day: string, later = 0): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + later);
  return at.toISOString();
}
