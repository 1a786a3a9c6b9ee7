import { Group, Text } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { stretches } from '@/components/offers/history';
import { StateBadge } from '@/components/StateBadge';
import { formatMoment } from '@/lib/format';
import classes from './prices.module.css';

/** What was said of being had, over the time of the chart: the best of all offers at each moment. */
export function AvailabilityStrip({ name, history }: { name: string; history: Schemas['PriceHistory'] }) {
  const parts = stretches(history.band);
  const badges = new Map(history.levels.map((each) => [each.level as string, each.badge]));
  const labelOf = (level: string | null) =>
    level === null ? 'Not offered' : (badges.get(level)?.label ?? level);
  const seen = [...new Set(parts.flatMap((part) => (part.level === null ? [] : [part.level])))];
  const text = parts
    .slice(-12)
    .map((part) => `${labelOf(part.level)} from ${formatMoment(new Date(part.from))}`)
    .join('; ');
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="xs" c="var(--tw-quiet)">
          Availability, {name.toLowerCase()}
        </Text>
        <Group gap={4}>
          {seen.map((level) => {
            const badge = badges.get(level);
            return badge ? <StateBadge key={level} badge={badge} size="sm" /> : null;
          })}
        </Group>
      </Group>
      <div className={classes.strip} role="img" aria-label={`Availability, ${name}: ${text}`}>
        {parts.map((part) => (
          <span
            key={part.from}
            data-level={part.level ?? 'none'}
            style={{
              flexGrow: part.share,
              color: `var(--tw-${badges.get(part.level ?? '')?.tone ?? 'line'})`,
            }}
            title={`${labelOf(part.level)} from ${formatMoment(new Date(part.from))}`}
          />
        ))}
      </div>
    </div>
  );
}
