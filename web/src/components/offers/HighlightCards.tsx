import { Group, Text, UnstyledButton } from '@mantine/core';
import { IconAward, IconBolt, IconCoin, type Icon } from '@tabler/icons-react';
import { StateBadge } from '@/components/StateBadge';
import { useDoing } from './context';
import { LaunchButton } from './LaunchButton';
import type { Card } from './types';
import classes from './offers.module.css';

const PICTURES: Record<Card['kind'], Icon> = {
  cheapest: IconCoin,
  fastest: IconBolt,
  recommended: IconAward,
};

/** The cheapest, the fastest and the recommended offer, and why. */
export function HighlightCards({ cards, isCompact }: { cards: Card[]; isCompact: boolean }) {
  if (cards.length === 0) return null;
  return (
    <div className={classes.highlights}>
      {cards.map((card) => (
        <Highlight key={card.kind} card={card} isCompact={isCompact} />
      ))}
    </div>
  );
}

function Highlight({ card, isCompact }: { card: Card; isCompact: boolean }) {
  const { open } = useDoing();
  const Picture = PICTURES[card.kind];
  const { row } = card;
  return (
    <article className={classes.highlight} data-kind={card.kind} aria-label={card.title}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap={6} wrap="nowrap" className={classes.kind}>
          <Picture size={16} stroke={1.8} aria-hidden />
          {card.title}
        </Group>
        <StateBadge badge={row.availability} size="sm" />
      </Group>
      <div className={classes.headline}>{card.headline}</div>
      <UnstyledButton className={classes.name} onClick={() => open(row.key)}>
        {row.title} · {row.provider_title}
      </UnstyledButton>
      <Text size="xs" c="var(--tw-quiet)">
        {[
          row.price ? `${row.price.text}/h` : null,
          row.gpu_price && row.accelerator_count !== 1 ? `${row.gpu_price.text}/GPU-h` : null,
          row.market_title.toLowerCase(),
          `starts ${row.start_minutes < 1 ? row.start_text : `in ${row.start_text}`}`,
          row.region,
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
      {isCompact ? null : (
        <Text size="sm" className={classes.reason}>
          {card.reason}
        </Text>
      )}
      <Group justify="space-between" align="flex-end" gap="xs" mt="auto" pt={6} wrap="nowrap">
        <Text size="xs" className={classes.savings}>
          {card.savings}
        </Text>
        <LaunchButton offer={row} />
      </Group>
    </article>
  );
}
