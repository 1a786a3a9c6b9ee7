import { Button, Text, Tooltip } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useDoing } from './context';
import type { Offer } from './types';

/** Takes an offer: into the wizard around, or as the start of a new job. Where nothing can run, what would help. */
export function LaunchButton({ offer, size = 'xs' }: { offer: Offer; size?: 'compact-xs' | 'xs' | 'sm' }) {
  const { pick, pickLabel, picked } = useDoing();
  const place = picked.indexOf(offer.key);
  if (pick) {
    return (
      <Button
        size={size}
        variant={place >= 0 ? 'light' : 'default'}
        aria-pressed={place >= 0}
        leftSection={place >= 0 ? <IconCheck size={14} aria-hidden /> : undefined}
        onClick={() => pick(offer)}
        aria-label={`${place >= 0 ? 'Picked' : pickLabel}: ${offer.title} at ${offer.provider_title}`}
      >
        {place < 0 ? pickLabel : picked.length > 1 ? `Picked, ${place + 1}.` : 'Picked'}
      </Button>
    );
  }
  if (!offer.launch.is_possible) {
    if (!offer.launch.connect_provider) {
      return (
        <Text span size="xs" c="var(--tw-quiet)" title={offer.launch.reason ?? undefined}>
          Prices only
        </Text>
      );
    }
    return (
      <Tooltip label={offer.launch.reason}>
        <Button
          component={Link}
          size={size}
          variant="default"
          to={`/connections?provider=${encodeURIComponent(offer.launch.connect_provider)}`}
          aria-label={`Connect ${offer.provider_title}`}
        >
          Connect
        </Button>
      </Tooltip>
    );
  }
  return (
    <Button
      component={Link}
      size={size}
      to={`/new?offer=${encodeURIComponent(offer.key)}`}
      aria-label={`Launch with ${offer.title} at ${offer.provider_title}`}
    >
      Launch
    </Button>
  );
}
