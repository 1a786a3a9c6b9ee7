import { useMemo } from 'react';
import { $api } from '@/api/client';
import { byCursor } from '@/lib/pages';
import type { OfferSearch } from './types';

const PAGE = 250;

/** Offers of a search, page by page as they are scrolled to; what is around them comes with the first. */
export function useOffers(search: OfferSearch) {
  const found = $api.useInfiniteQuery(
    'get',
    '/api/v1/offers/explore',
    { params: { query: { ...search, limit: PAGE } } },
    {
      ...byCursor,
      // Rows stay while a filter changes, so that the page does not jump.
      placeholderData: (before) => before,
      refetchOnWindowFocus: false,
      staleTime: 20_000,
    },
  );
  const rows = useMemo(() => {
    // An offer that moved between two pages meanwhile is shown once.
    const seen = new Map(found.data?.pages.flatMap((page) => page.items).map((row) => [row.key, row]));
    return [...seen.values()];
  }, [found.data]);
  return { ...found, rows, first: found.data?.pages[0] };
}
