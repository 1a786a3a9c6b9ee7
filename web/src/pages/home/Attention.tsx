import { IconAlertTriangle, IconBell } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { When } from '@/components/When';
import classes from './home.module.css';

/** What wants to be looked at, the worst first. */
export function Attention({ items }: { items: Schemas['Attention'][] }) {
  if (items.length === 0) return null;
  return (
    <Panel title="Wants a look" padding={0}>
      <ul className={classes.rows} aria-label="Wants a look">
        {items.map((item) => {
          const Picture = item.kind === 'alert' ? IconBell : IconAlertTriangle;
          return (
            <li key={`${item.kind} ${item.title}`} className={classes.note}>
              <Picture
                size={17}
                stroke={1.8}
                aria-hidden
                style={{ color: `var(--tw-${item.tone})`, marginTop: 3 }}
              />
              <div className={classes.main}>
                <Link to={item.link} className={classes.name}>
                  {item.title}
                </Link>{' '}
                {item.at ? (
                  <span className={classes.small}>
                    <When at={item.at} />
                  </span>
                ) : null}
                <div className={classes.small} style={{ whiteSpace: 'pre-line' }}>
                  {item.text}
                </div>
              </div>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
