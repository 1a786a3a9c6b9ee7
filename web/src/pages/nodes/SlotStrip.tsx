import { Tooltip } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCheck,
  IconClock,
  IconHelp,
  IconLock,
  IconMoon,
  IconPlayerPlay,
  type Icon,
} from '@tabler/icons-react';
import type { Schemas } from '@/api/client';
import classes from './SlotStrip.module.css';

type Slot = Schemas['AcceleratorView'];

const ICONS: Record<Slot['use'], Icon> = {
  held: IconPlayerPlay,
  free: IconCheck,
  idle: IconMoon,
  others: IconLock,
  resting: IconAlertTriangle,
  starting: IconClock,
  unknown: IconHelp,
};

function describe(slot: Slot): string {
  const busy = slot.utilisation_percent === null ? '' : `, ${Math.round(slot.utilisation_percent)} % busy`;
  const memory = slot.memory_text ? `, ${slot.memory_text}` : '';
  return `${slot.index}: ${slot.name}, ${slot.label}${busy}${memory}`;
}

/** A slot for each accelerator; its filling is how busy it is, its picture and tone who has it. */
export function SlotStrip({ slots, isLarge = false }: { slots: Slot[]; isLarge?: boolean }) {
  if (slots.length === 0) return <span className={classes.none}>no accelerators</span>;
  return (
    <ul className={classes.strip} data-large={isLarge || undefined} aria-label="Accelerators">
      {slots.map((slot) => {
        const Picture = ICONS[slot.use];
        const busy = slot.utilisation_percent;
        return (
          <Tooltip key={slot.index} label={describe(slot)} events={{ hover: true, focus: true, touch: true }}>
            <li className={classes.slot} data-use={slot.use} data-tone={slot.badge?.tone}>
              {busy === null ? null : (
                <span className={classes.fill} style={{ height: `${Math.min(busy, 100)}%` }} aria-hidden />
              )}
              <Picture size={isLarge ? 15 : 12} stroke={2} aria-hidden />
              <span className={classes.hidden}>{describe(slot)}</span>
            </li>
          </Tooltip>
        );
      })}
    </ul>
  );
}
