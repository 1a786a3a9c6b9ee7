import { memo, type Ref } from 'react';
import { formatClock } from '@/lib/format';
import { partsOf } from './highlight';
import type { Line as Row } from './rows';
import classes from './logs.module.css';

interface Props {
  place: number;
  row: Row | undefined;
  hasTimes: boolean;
  isCurrent: boolean;
  isWrapped: boolean;
  /** One of several streams. */
  isMixed: boolean;
  matcher: RegExp | null;
  measure?: Ref<HTMLDivElement>;
  onPick: (line: number) => void;
}

/** One line of a log. */
export const Line = memo(function Line(props: Props) {
  const { place, row, hasTimes, isCurrent, isWrapped, isMixed, matcher, measure, onPick } = props;
  const at = row?.at ? new Date(row.at) : null;
  const number = (row?.number ?? place) + 1;
  return (
    <div
      ref={measure}
      data-index={place}
      data-line={number}
      className={classes.line}
      data-level={row?.level ?? undefined}
      data-current={isCurrent || undefined}
      data-wrap={isWrapped || undefined}
    >
      <a
        href={`#L${number}`}
        tabIndex={-1}
        className={classes.number}
        aria-label={`Line ${number}`}
        onClick={(event) => {
          event.preventDefault();
          onPick(number - 1);
        }}
      >
        {number}
      </a>
      {hasTimes ? (
        <time className={classes.time} dateTime={row?.at ?? undefined} title={at?.toISOString()}>
          {at ? formatClock(at) : ''}
        </time>
      ) : null}
      {isMixed ? <span className={classes.stream}>{SHORT[row?.stream ?? 'stdout']}</span> : null}
      <span className={classes.text}>
        {row?.is_dropped ? <em className={classes.dropped}>dropped at the log cap</em> : null}
        {row && !row.is_dropped
          ? partsOf(row.text, matcher).map((part, index) =>
              part.isMatch ? <mark key={index}>{part.text}</mark> : part.text,
            )
          : null}
        {row?.is_cut ? <em className={classes.dropped}> … longer than is shown; download it</em> : null}
        {row ? '' : '…'}
      </span>
    </div>
  );
});

const SHORT: Record<Row['stream'], string> = { setup: 'set', stdout: 'out', stderr: 'err' };
