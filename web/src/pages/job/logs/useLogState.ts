import { useCallback } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { useUrlState, withChanges } from '@/lib/url';
import type { Lines, Search } from './rows';

const STREAMS: Lines['stream'][] = ['all', 'setup', 'stdout', 'stderr'];

/** What the address says of a log: it can be sent, and survives a reload. */
export function useLogState() {
  const { text, number, flag, params } = useUrlState();
  const { hash } = useLocation();
  const navigate = useNavigate();
  // The line that is linked to stays.
  const set = useCallback(
    (changes: Parameters<typeof withChanges>[1]) =>
      void navigate(
        { search: withChanges(params, changes).toString(), hash },
        { replace: true, preventScrollReset: true },
      ),
    [navigate, params, hash],
  );
  const stream = STREAMS.find((each) => each === text('stream')) ?? 'all';
  const search: Search = {
    q: text('q'),
    regex: flag('regex'),
    isCaseSensitive: flag('case'),
    errorsOnly: flag('errors'),
  };
  return {
    set,
    stream,
    /** NaN: the newest. */
    attempt: number('attempt', NaN),
    search,
    /** Lines that do not match are left out. */
    isOnly: search.errorsOnly || (flag('only') && search.q !== ''),
    wantsOnly: flag('only'),
    hasTimes: flag('times'),
    isWrapped: flag('wrap'),
    isAnnounced: flag('aloud'),
    params,
  };
}
