import { createContext, useContext } from 'react';
import type { Offer } from './types';

/** What can be done with an offer wherever it is shown: in the table, on a card, in its details. */
export interface Doing {
  open: (key: string) => void;
  /** Absent where offers lead to a new job instead. */
  pick?: (offer: Offer) => void;
  pickLabel: string;
  picked: string[];
  compared: string[];
  toggleCompared: (key: string) => void;
}

/** Outside an explorer an offer can only be launched with. */
export const DoingContext = createContext<Doing>({
  open: () => undefined,
  pickLabel: '',
  picked: [],
  compared: [],
  toggleCompared: () => undefined,
});

export function useDoing(): Doing {
  return useContext(DoingContext);
}
