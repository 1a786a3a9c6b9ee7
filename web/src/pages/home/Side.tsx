import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';
import { Duration } from '@/components/When';
import classes from './home.module.css';

export function Budgets({ budgets, count }: { budgets: Schemas['HomeBudget'][]; count: number }) {
  return (
    <Panel
      title="Budgets"
      aside={
        <Anchor component={Link} to="/budgets" size="sm" c="var(--tw-busy)">
          {count > budgets.length ? `All ${count}` : 'All budgets'}
        </Anchor>
      }
      padding={0}
    >
      {budgets.length === 0 ? (
        <p className={classes.quiet} style={{ margin: 0, padding: '0 16px 16px' }}>
          No budget is set: nothing is held back.
        </p>
      ) : (
        <ul className={classes.rows} aria-label="Budgets">
          {budgets.map((budget) => (
            <li key={budget.id} className={classes.row}>
              <Link to={`/budgets/${budget.name}`} className={classes.name}>
                {budget.name}
              </Link>
              <StateBadge badge={budget.badge} size="sm" />
              <div className={classes.wide}>
                {budget.used_percent === null ? null : (
                  <Meter
                    share={budget.used_percent / 100}
                    label={`${budget.name}: ${budget.text}`}
                    tone={budget.badge.tone === 'good' ? 'busy' : budget.badge.tone}
                  />
                )}
                <div className={classes.small} style={{ marginTop: 4 }}>
                  {[budget.text, ...budget.notes].join(' · ')}
                </div>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

export function Cheapest({ offers }: { offers: Schemas['CheapOffer'][] }) {
  return (
    <Panel
      title="Cheapest now"
      aside={
        <Anchor component={Link} to="/offers" size="sm" c="var(--tw-busy)">
          Compare offers
        </Anchor>
      }
      padding={0}
    >
      <ul className={classes.rows} aria-label="Cheapest now">
        {offers.map((offer) => (
          <li key={offer.title} className={classes.row}>
            <div className={classes.main}>
              <Link to={offer.link} className={classes.name}>
                {offer.title}
              </Link>{' '}
              <span className={classes.small}>{offer.why}</span>
              <div className={classes.small}>{[offer.place, offer.machine].filter(Boolean).join(' · ')}</div>
            </div>
            <div className={classes.right}>
              <div className={offer.is_found ? undefined : classes.small}>{offer.price_text}</div>
              <div className={classes.small}>
                {offer.market}{' '}
                {offer.availability ? <StateBadge badge={offer.availability} size="sm" /> : null}
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Idle({ idle }: { idle: Schemas['IdleSummary'] }) {
  if (idle.count === 0) return null;
  return (
    <Panel title="Rented and idle" padding={0}>
      <ul className={classes.rows} aria-label="Rented and idle">
        {idle.items.map((machine) => (
          <li key={machine.id} className={classes.row}>
            <div className={classes.main}>
              <Link to="/nodes" className={classes.name}>
                {machine.name}
              </Link>
              <div className={classes.small} style={{ whiteSpace: 'normal' }}>
                {machine.provider}: {machine.text}
              </div>
            </div>
            <div className={classes.right}>
              <div>{machine.cost.text}</div>
              <div className={classes.small}>
                idle for <Duration since={machine.since} />
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
