import { UnstyledButton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';
import { formatCount } from '@/lib/format';
import { Line } from './Line';
import type { Rows } from './rows';
import classes from './logs.module.css';

export interface Scroller {
  /** Brings a row into sight. */
  show: (place: number, align?: 'center' | 'end' | 'start') => void;
  /** The first row in sight. */
  top: () => number;
  focus: () => void;
}

interface Props {
  label: string;
  rows: Rows;
  version: number;
  hasTimes: boolean;
  isWrapped: boolean;
  isAnnounced: boolean;
  isMixed: boolean;
  isFollowing: boolean;
  /** The line that is marked, by its number. */
  current: number | null;
  matcher: RegExp | null;
  onPick: (line: number) => void;
  /** The reader scrolls away from the end, or back to it. */
  onFollow: (follows: boolean) => void;
  ref?: Ref<Scroller>;
}

const ROW = 18;
/** Browsers draw no element that is much higher than this many rows; of longer logs a part is laid out at a time. */
const MOST_ROWS = 900_000;

/** The lines themselves: only those in sight are in the page. */
export function Lines(props: Props) {
  const { label, rows, version, isWrapped, isFollowing, onFollow, ref } = props;
  const box = useRef<HTMLDivElement>(null);
  const [wantedBase, setBase] = useState(0);
  const { total } = rows;
  const lastBase = Math.max(total - MOST_ROWS, 0);
  const base = isFollowing ? lastBase : Math.min(wantedBase, lastBase);
  const count = Math.min(total - base, MOST_ROWS);
  // The virtualizer keeps its own state, and says so when it changes.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const items = virtual.getVirtualItems();
  const first = base + (items[0]?.index ?? 0);
  const last = base + (items.at(-1)?.index ?? 0);
  useEffect(() => rows.want(first, last), [rows, first, last, version]);
  useEffect(() => {
    if (isFollowing && count > 0) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [isFollowing, count, virtual, isWrapped, base]);

  function isInSight(index: number): boolean {
    const item = items.find((each) => each.index === index);
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    return !!item && item.start >= scrollTop + ROW && item.end <= scrollTop + clientHeight - ROW;
  }

  useImperativeHandle(ref, () => ({
    show: (place, align = 'center') => {
      const inPart = place - base >= 0 && place - base < MOST_ROWS;
      const next = inPart ? base : Math.max(Math.min(place - MOST_ROWS / 2, lastBase), 0);
      setBase(next);
      // What is in sight stays where it is.
      if (next === base && align === 'center' && isInSight(place - base)) return;
      window.requestAnimationFrame(() => virtual.scrollToIndex(place - next, { align }));
    },
    top: () => base + Math.max(Math.floor((box.current?.scrollTop ?? 0) / ROW), 0),
    focus: () => box.current?.focus(),
  }));

  return (
    <>
      {base > 0 ? (
        <Part text={`The first ${formatCount(base)} lines are before these.`} onClick={() => setBase(0)} />
      ) : null}
      <div
        ref={box}
        className={classes.lines}
        role="log"
        aria-label={label}
        aria-live={props.isAnnounced ? 'polite' : 'off'}
        tabIndex={0}
        onWheel={(event) => {
          if (event.deltaY < 0) onFollow(false);
          else if (event.deltaY > 0 && isAtEnd(event.currentTarget)) onFollow(true);
        }}
        onTouchMove={(event) => onFollow(isAtEnd(event.currentTarget))}
        onPointerDown={(event) => {
          // On the scroll bar.
          if (event.target === event.currentTarget) onFollow(false);
        }}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative', minWidth: '100%' }}>
          {/* One place for all of them: a style of its own makes a line many times as dear to draw. */}
          <div
            className={classes.block}
            data-wrap={isWrapped || undefined}
            style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}
          >
            {items.map((item) => {
              const row = rows.row(base + item.index);
              return (
                <Line
                  key={item.key}
                  place={base + item.index}
                  row={row}
                  hasTimes={props.hasTimes}
                  isCurrent={row !== undefined && row.number === props.current}
                  isWrapped={isWrapped}
                  isMixed={props.isMixed}
                  matcher={props.matcher}
                  onPick={props.onPick}
                  measure={isWrapped ? virtual.measureElement : undefined}
                />
              );
            })}
          </div>
        </div>
      </div>
      {base + count < total ? (
        <Part
          text={`${formatCount(total - base - count)} lines are behind these.`}
          onClick={() => setBase(lastBase)}
        />
      ) : null}
    </>
  );
}

function Part({ text, onClick }: { text: string; onClick: () => void }) {
  return (
    <UnstyledButton className={classes.part} onClick={onClick}>
      {text} Show them
    </UnstyledButton>
  );
}

function isAtEnd(box: HTMLElement): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight < ROW * 2;
}
