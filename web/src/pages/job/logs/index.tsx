import { Anchor, Stack, Text } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { EmptyState } from '@/components/EmptyState';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatCount } from '@/lib/format';
import { lineOf, matcherOf } from './highlight';
import { Lines, type Scroller } from './Lines';
import type { Wanted } from './rows';
import { SearchBar } from './SearchBar';
import { Toolbar } from './Toolbar';
import { useLog } from './useLog';
import { useLogState } from './useLogState';
import { useMatches } from './useMatches';
import classes from './logs.module.css';

interface Props {
  jobId: string;
  attempts: { number: number; provider: string; node: string }[];
}

/** The logs of a job: a million lines open at once, and are searched where they lie. */
export function JobLogs({ jobId, attempts }: Props) {
  const state = useLogState();
  const attempt = Number.isNaN(state.attempt) ? (attempts.at(-1)?.number ?? 1) : state.attempt;
  const { stream, search, isOnly } = state;
  const wanted: Wanted = { jobId, attempt, stream, filter: isOnly ? search : null };
  const { rows, version } = useLog(wanted);
  const { about, total } = rows;
  const { hash } = useLocation();
  const navigate = useNavigate();
  const linked = lineOf(hash);
  const [follows, setFollows] = useState(linked === null);
  const [current, setCurrent] = useState(linked);
  const [known, setKnown] = useState(hash);
  // The address may name another line without this viewer, as when a link is followed or somebody goes back.
  if (known !== hash) {
    setKnown(hash);
    if (linked !== null) {
      setCurrent(linked);
      setFollows(false);
    }
  }
  const scroller = useRef<Scroller>(null);
  const input = useRef<HTMLInputElement>(null);

  // Where nothing is left out a line's place is its number.
  const show = useCallback((line: number) => {
    setFollows(false);
    setCurrent(line);
    scroller.current?.show(line);
  }, []);
  const matches = useMatches(wanted, search.q && !isOnly ? search : null, current, show);
  const matcher = useMemo(
    () => matcherOf(search.q, search.regex, search.isCaseSensitive),
    [search.q, search.regex, search.isCaseSensitive],
  );
  // A link to a line: once there are lines. Among matches alone nothing is at its number: there it waits for the rest.
  const hasAll = total > 0 && !isOnly;
  const marked = follows ? null : current;
  const waits = useRef(marked);
  useEffect(() => {
    waits.current = marked;
  }, [marked]);
  useEffect(() => {
    if (hasAll && waits.current !== null) scroller.current?.show(waits.current);
  }, [linked, hasAll]);

  function pick(line: number) {
    setCurrent(line);
    setFollows(false);
    void navigate(
      { search: window.location.search, hash: `#L${line + 1}` },
      { replace: true, preventScrollReset: true },
    );
    void navigator.clipboard
      ?.writeText(window.location.href.replace(/#.*$|$/, `#L${line + 1}`))
      .catch(() => undefined);
  }

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    const act = {
      '/': () => input.current?.focus(),
      n: matches.next,
      N: matches.previous,
      f: () => setFollows((before) => !before),
      g: toTop,
      G: () => setFollows(true),
    }[event.key];
    if (act) {
      event.preventDefault();
      event.stopPropagation();
      act();
    } else if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) setFollows(false);
  }

  function toTop() {
    setFollows(false);
    scroller.current?.show(0, 'start');
  }

  return (
    // Keys of the viewer; every one of them has a button, too.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div onKeyDown={press}>
      <Stack gap="xs">
        <Toolbar
          jobId={jobId}
          attempts={attempts}
          attempt={attempt}
          about={about}
          isFollowing={follows}
          onFollow={setFollows}
          onTop={toTop}
          onEnd={() => setFollows(true)}
        />
        <SearchBar
          input={input}
          count={isOnly ? 0 : matches.found.matched}
          place={matches.found.place}
          text={
            isOnly && about
              ? `${formatCount(total)} of ${formatCount(about.total)} lines match`
              : matches.found.text
          }
          onNext={matches.next}
          onPrevious={matches.previous}
        />
        <ProblemAlert error={rows.error ?? matches.error} />
        {total > 0 ? (
          <div className={classes.frame}>
            <Lines
              ref={scroller}
              label={`Log of attempt ${attempt}`}
              rows={rows}
              version={version}
              hasTimes={state.hasTimes}
              isWrapped={state.isWrapped}
              isAnnounced={state.isAnnounced}
              isMixed={stream === 'all'}
              isFollowing={follows}
              current={current}
              matcher={matcher}
              onPick={pick}
              onFollow={setFollows}
            />
          </div>
        ) : (
          <Nothing
            isLoaded={about !== null}
            isFiltered={isOnly}
            total={about?.total ?? 0}
            note={about?.note ?? ''}
            onClear={() => state.set({ q: '', errors: false, only: false })}
          />
        )}
        <Text size="xs" c="var(--tw-quiet)" data-testid="log-note">
          {total > 0 ? about?.note : ''}
        </Text>
      </Stack>
    </div>
  );
}

function Nothing({
  isLoaded,
  isFiltered,
  total,
  note,
  onClear,
}: {
  isLoaded: boolean;
  isFiltered: boolean;
  total: number;
  note: string;
  onClear: () => void;
}) {
  if (!isLoaded) return <div className={classes.frame} aria-busy />;
  if (isFiltered && total > 0)
    return (
      <EmptyState title={`0 of ${formatCount(total)} lines match`}>
        <Anchor component="button" type="button" onClick={onClear}>
          Show all lines
        </Anchor>
      </EmptyState>
    );
  return <EmptyState title="No lines">{note}</EmptyState>;
}

export default JobLogs;
