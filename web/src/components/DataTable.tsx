import { Checkbox, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconSelector } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, type MouseEvent, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import classes from './DataTable.module.css';

export interface Column<Row> {
  id: string;
  header: string;
  render: (row: Row) => ReactNode;
  /** A CSS width; columns without one share what is left. */
  width?: string;
  align?: 'left' | 'right';
  isSortable?: boolean;
  /** Left out where the screen is narrower than this. */
  hideBelow?: 'sm' | 'md' | 'lg';
}

export interface Sort {
  by: string;
  descending: boolean;
}

interface Props<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  /** Where a row leads; its first cell should hold the link itself. */
  href?: (row: Row) => string | undefined;
  onPick?: (row: Row) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (keys: Set<string>) => void;
  /** How many rows there are in all, where not all are here yet. */
  total?: number;
  /** Called as the last rows come near. */
  onEnd?: () => void;
  rowHeight?: number;
  /** Height of the scrolling part, once there are many rows. */
  height?: string;
  isMuted?: (row: Row) => boolean;
  /** Columns keep their widths whatever is in them: for tables whose rows come and go while they are scrolled. */
  isFixed?: boolean;
  /** Without a frame of its own: in a panel that has one. */
  isFlush?: boolean;
}

const FEW = 60;

/** A table that stays quick with ten thousand rows: only those in sight are in the page. */
export function DataTable<Row>(props: Props<Row>) {
  const { rows, columns, rowKey, selected, onSelect, onEnd, rowHeight = 41 } = props;
  const box = useRef<HTMLDivElement>(null);
  const isLong = rows.length > FEW;
  // The virtualizer keeps its own state, and says so when it changes.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: isLong,
  });
  const items = virtual.getVirtualItems();
  const shown = isLong ? items.map((item) => item.index) : rows.map((_, index) => index);
  const last = shown.at(-1) ?? 0;
  useEffect(() => {
    if (last >= rows.length - 20) onEnd?.();
  }, [last, rows.length, onEnd]);
  const above = isLong ? (items[0]?.start ?? 0) : 0;
  const below = isLong ? virtual.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;
  const span = columns.length + (onSelect ? 1 : 0);
  // Not with every picture while it is scrolled.
  const allKeys = useMemo(() => rows.map(rowKey), [rows, rowKey]);
  const chosen = useMemo(
    () => (selected ? allKeys.filter((key) => selected.has(key)).length : 0),
    [allKeys, selected],
  );

  return (
    // Scrolls, so that it must be reachable by keyboard.
    <div
      ref={box}
      className={classes.box}
      data-flush={props.isFlush || undefined}
      role="region"
      aria-label={props.label}
      tabIndex={0}
      style={{ maxHeight: isLong ? (props.height ?? 'max(320px, calc(100dvh - 210px))') : undefined }}
    >
      <table
        className={classes.table}
        data-fixed={props.isFixed || undefined}
        aria-label={props.label}
        aria-rowcount={props.total ?? rows.length}
      >
        <thead>
          <tr>
            {onSelect ? (
              <th className={classes.select}>
                <Checkbox
                  size="xs"
                  aria-label="Select all that are loaded"
                  checked={chosen > 0 && chosen === rows.length}
                  indeterminate={chosen > 0 && chosen < rows.length}
                  onChange={(event) => onSelect(new Set(event.currentTarget.checked ? allKeys : []))}
                />
              </th>
            ) : null}
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={above} span={span} />
          {shown.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <Line
                key={rowKey(row)}
                row={row}
                index={index}
                columns={columns}
                rowKey={rowKey}
                href={props.href}
                onPick={props.onPick}
                selected={selected}
                onSelect={onSelect}
                rowHeight={rowHeight}
                isMuted={props.isMuted}
              />
            );
          })}
          <Spacer height={below} span={span} />
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({
  column,
  sort,
  onSort,
}: {
  column: Column<Row>;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
}) {
  const isBy = sort?.by === column.id;
  const Picture = !isBy ? IconSelector : sort.descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      style={{ width: column.width }}
      data-align={column.align}
      data-hide={column.hideBelow}
      aria-sort={isBy ? (sort.descending ? 'descending' : 'ascending') : undefined}
    >
      {column.isSortable && onSort ? (
        <UnstyledButton
          className={classes.sort}
          data-active={isBy || undefined}
          onClick={() => onSort({ by: column.id, descending: isBy ? !sort.descending : false })}
        >
          {column.header}
          <Picture size={13} stroke={2} aria-hidden />
        </UnstyledButton>
      ) : (
        column.header
      )}
    </th>
  );
}

type LineProps<Row> = Pick<
  Props<Row>,
  'columns' | 'rowKey' | 'href' | 'onPick' | 'selected' | 'onSelect' | 'rowHeight' | 'isMuted'
> & { row: Row; index: number };

/** Drawn again when something of it changes, and not because others come into sight or are loaded. */
const Line = memo(LineAsIs) as typeof LineAsIs;

function LineAsIs<Row>({
  row,
  index,
  columns,
  rowKey,
  href,
  onPick,
  selected,
  onSelect,
  rowHeight = 41,
  isMuted,
}: LineProps<Row>) {
  const navigate = useNavigate();
  const target = href?.(row);
  const key = rowKey(row);
  const isSelected = selected?.has(key) ?? false;

  function open(event: MouseEvent<HTMLTableRowElement>) {
    const isControl = (event.target as HTMLElement).closest('a, button, input, label, [role="button"]');
    if (isControl || window.getSelection()?.toString()) return;
    if (onPick) onPick(row);
    else if (target && (event.metaKey || event.ctrlKey)) window.open(target, '_blank');
    else if (target) void navigate(target);
  }

  return (
    // The row's link or button does the same by keyboard.
    <tr
      style={{ height: rowHeight }}
      aria-rowindex={index + 2}
      data-active={target !== undefined || onPick !== undefined || undefined}
      data-selected={isSelected || undefined}
      data-muted={isMuted?.(row) || undefined}
      onClick={open}
    >
      {onSelect && selected ? (
        <td className={classes.select}>
          <Checkbox
            size="xs"
            aria-label="Select this row"
            checked={isSelected}
            onChange={(event) => {
              const after = new Set(selected);
              if (event.currentTarget.checked) after.add(key);
              else after.delete(key);
              onSelect(after);
            }}
          />
        </td>
      ) : null}
      {columns.map((column) => (
        <td key={column.id} data-align={column.align} data-hide={column.hideBelow}>
          {column.render(row)}
        </td>
      ))}
    </tr>
  );
}

function Spacer({ height, span }: { height: number; span: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden className={classes.spacer}>
      <td colSpan={span} style={{ height }} />
    </tr>
  );
}
