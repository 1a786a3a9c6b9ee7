import type { Schemas } from '@/api/client';
import classes from './figures.module.css';
import { formatDuration, formatNumber } from '@/lib/format';

type Band = Schemas['BandView'];
type Money = Schemas['MoneyView'];

/** A span of hours: the middle, and the ends that eight runs in ten lie between. */
export function Hours({ band }: { band: Band | null | undefined }) {
  if (!band) return <span>–</span>;
  return (
    <span title={band.basis}>
      {formatDuration(band.p50 * 3600)}{' '}
      <Range>
        {formatDuration(band.p10 * 3600)} to {formatDuration(band.p90 * 3600)}
      </Range>
    </span>
  );
}

export function Cost({
  middle,
  from,
  to,
}: {
  middle?: Money | null;
  from?: Money | null;
  to?: Money | null;
}) {
  if (!middle) return <span>–</span>;
  return (
    <span>
      {middle.text} {to ? <Range>{from ? `${from.text} to ${to.text}` : `up to ${to.text}`}</Range> : null}
    </span>
  );
}

function Range({ children }: { children: React.ReactNode }) {
  return <span className={classes.range}>({children})</span>;
}

export function Energy({ kwh }: { kwh: number | null | undefined }) {
  return (
    <span>{kwh === null || kwh === undefined ? '–' : `${formatNumber(Number(kwh.toPrecision(3)))} kWh`}</span>
  );
}

export function Carbon({ grams }: { grams: number | null | undefined }) {
  if (grams === null || grams === undefined) return <span>–</span>;
  const [value, unit] = grams >= 1000 ? [grams / 1000, 'kg'] : [grams, 'g'];
  return (
    <span>
      {formatNumber(Number(value.toPrecision(3)))} {unit} CO2e
    </span>
  );
}
