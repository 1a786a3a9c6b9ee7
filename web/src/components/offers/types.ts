import type { Schemas } from '@/api/client';
import type { paths } from '@/api/schema';

export type Offer = Schemas['ExplorerRow'];
export type Page = Schemas['ExplorerPage'];
export type Facet = Schemas['Facet'];
export type Card = Schemas['OfferCard'];
export type OfferSearch = Omit<
  NonNullable<paths['/api/v1/offers/explore']['get']['parameters']['query']>,
  'limit' | 'cursor'
>;
export type SortBy = NonNullable<OfferSearch['sort']>;
