import type { Schemas } from '@/api/client';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './events.module.css';

/** Things that happened, one below the other, with who did them. */
export function EventList({ events }: { events: Schemas['EventView'][] }) {
  return (
    <ol className={classes.list}>
      {events.map((event) => (
        <li key={event.seq}>
          <span className={classes.when}>
            <When at={event.at} />
          </span>
          <span className={classes.badge}>
            {event.badge ? <StateBadge badge={event.badge} size="sm" /> : event.type}
          </span>
          <span className={classes.text}>
            {event.message}
            {event.actor === 'control-plane' ? null : <small>by {event.actor}</small>}
          </span>
        </li>
      ))}
    </ol>
  );
}
