import { useDocumentVisibility } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useNow } from '@/lib/now';

export const EVERY_S = 30;

/** Asks again every half a minute unless it is paused or nobody looks. Says how many seconds are left. */
export function useRefresh(updatedAt: number, isBusy: boolean, refresh: () => void) {
  const [isPaused, setPaused] = useState(false);
  const isSeen = useDocumentVisibility() === 'visible';
  const now = useNow(1).getTime();
  const asked = useRef(0);
  const left = Math.max(0, Math.ceil((updatedAt + EVERY_S * 1000 - now) / 1000));
  const isDue = updatedAt > 0 && left === 0 && !isPaused && isSeen && !isBusy;
  useEffect(() => {
    // Once per answer, even where the answer is that nothing could be had.
    if (!isDue || now - asked.current < EVERY_S * 1000) return;
    asked.current = now;
    refresh();
  }, [isDue, now, refresh]);
  return { isPaused, setPaused, left: Math.min(left, EVERY_S) };
}
