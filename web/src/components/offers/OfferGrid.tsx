import { Button, Checkbox, Group, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { formatCount } from '@/lib/format';
import { useDoing } from './context';
import { LaunchButton } from './LaunchButton';
import type { Offer, OfferSearch } from './types';
import classes from './offers.module.css';

const STEP = 30;

/** Offers as cards, a screen or two at a time; also what a phone shows. */
export function OfferGrid({
  rows,
  total,
  search,
  onEnd,
}: {
  rows: Offer[];
  total: number;
  search: OfferSearch;
  onEnd: () => void;
}) {
  const [count, setCount] = useState(STEP);
  const shown = rows.slice(0, count);

  function more() {
    setCount(count + STEP);
    if (count + 2 * STEP >= rows.length) onEnd();
  }

  return (
    <>
      <SimpleGrid
        component="ul"
        cols={{ base: 1, xs: 2, md: 3, xl: 4 }}
        spacing="sm"
        className={classes.grid}
        aria-label="Offers"
      >
        {shown.map((row) => (
          <OfferCard key={row.key} offer={row} hours={search.hours ?? 10} />
        ))}
      </SimpleGrid>
      {shown.length < total ? (
        <Group justify="center" mt="md">
          <Button variant="default" onClick={more}>
            Show more ({formatCount(total - shown.length)} left)
          </Button>
        </Group>
      ) : null}
    </>
  );
}

function OfferCard({ offer, hours }: { offer: Offer; hours: number }) {
  const { open, compared, toggleCompared } = useDoing();
  const isIn = compared.includes(offer.key);
  return (
    <li className={classes.card} data-muted={offer.availability_level === 'unavailable' || undefined}>
      <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
        <UnstyledButton className={classes.name} onClick={() => open(offer.key)}>
          {offer.title}
          {offer.memory_gb ? <span className={classes.memory}>{offer.memory_gb} GB</span> : null}
        </UnstyledButton>
        <StateBadge badge={offer.availability} size="sm" />
      </Group>
      <Text size="xs" c="var(--tw-quiet)" truncate>
        {[offer.provider_title, offer.region, offer.market_title].filter(Boolean).join(' · ')}
      </Text>
      <Group justify="space-between" align="flex-end" wrap="nowrap" mt={8}>
        <div>
          <div className={classes.price}>
            {offer.price?.text ?? '–'}
            <small>/h</small>
          </div>
          {offer.gpu_price && offer.accelerator_count !== 1 ? (
            <Text size="xs" c="var(--tw-quiet)">
              {offer.gpu_price.text}/GPU-h
            </Text>
          ) : null}
        </div>
        <div className={classes.side} title={offer.total_note}>
          <b>{offer.total?.text ?? '–'}</b>
          <Text size="xs" c="var(--tw-quiet)">
            for {hours} h
          </Text>
        </div>
      </Group>
      <Text size="xs" c="var(--tw-quiet)" mt={6}>
        Done in {offer.finish_text}
        {offer.carbon_text ? ` · ${offer.carbon_text}` : ''} · seen <When at={offer.seen_at} />,{' '}
        {offer.source}
      </Text>
      <Group justify="space-between" mt="auto" pt={10} wrap="nowrap">
        <Checkbox
          size="xs"
          label="Compare"
          aria-label={`Compare ${offer.title} at ${offer.provider_title}, ${offer.region}`}
          checked={isIn}
          disabled={!isIn && compared.length >= 4}
          onChange={() => toggleCompared(offer.key)}
        />
        <LaunchButton offer={offer} />
      </Group>
    </li>
  );
}
