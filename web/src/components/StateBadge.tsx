import {
  IconAlertTriangle,
  IconArrowsExchange,
  IconBolt,
  IconCheck,
  IconClock,
  IconHelp,
  IconLock,
  IconMoon,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlug,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import type { Schemas } from '@/api/client';
import { Hint } from './Hint';
import classes from './StateBadge.module.css';

export type Badge = Schemas['BadgeView'];

const ICONS: Record<Badge['icon'], Icon> = {
  check: IconCheck,
  cross: IconX,
  play: IconPlayerPlay,
  clock: IconClock,
  pause: IconPlayerPause,
  stop: IconPlayerStop,
  alert: IconAlertTriangle,
  question: IconHelp,
  moon: IconMoon,
  bolt: IconBolt,
  plug: IconPlug,
  lock: IconLock,
  swap: IconArrowsExchange,
};

/** A state as the server words it: text, picture and colour say the same. */
export function StateBadge({ badge, size = 'md' }: { badge: Badge; size?: 'sm' | 'md' }) {
  const Picture = ICONS[badge.icon];
  const shown = (
    <span className={classes.badge} data-tone={badge.tone} data-size={size}>
      <Picture size={size === 'sm' ? 12 : 14} stroke={2} aria-hidden />
      {badge.label}
    </span>
  );
  if (!badge.explanation) return shown;
  return <Hint label={() => badge.explanation}>{shown}</Hint>;
}
