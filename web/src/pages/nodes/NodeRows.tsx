import { Anchor, Skeleton, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { NodeActions } from './NodeActions';
import classes from './NodeRows.module.css';
import { SlotStrip } from './SlotStrip';
import { UsageBars } from './UsageBars';

type Node = Schemas['NodeView'];

/** A line for each node: what it is, who holds it, whether that works, what it costs, and what can be done. */
export function NodeRows({ rows }: { rows: Node[] }) {
  return (
    <ul className={classes.rows} aria-label="Nodes">
      {rows.map((node) => (
        <li key={node.id} className={classes.row} data-gone={node.ended_at !== null || undefined}>
          <div className={classes.what}>
            <div className={classes.title}>
              <Anchor component={Link} to={`/nodes/${node.id}`} fw={600} size="sm" c="inherit" truncate>
                {node.name}
              </Anchor>
              {node.badge ? <StateBadge badge={node.badge} size="sm" /> : null}
            </div>
            <Text size="xs" c="var(--tw-quiet)">
              {[node.provider, node.place].filter(Boolean).join(' · ')}
            </Text>
            <Text size="xs" c="var(--tw-quiet)">
              {node.summary}
            </Text>
          </div>
          <div className={classes.slots}>
            <SlotStrip slots={node.accelerators} />
            <Holders node={node} />
          </div>
          <div className={classes.usage}>
            <UsageBars usage={node.usage} />
          </div>
          <div className={classes.money}>
            <Text size="sm" fw={600}>
              {node.price_text.split(':')[0]}
            </Text>
            <Text size="xs" c="var(--tw-quiet)">
              {node.cost_text}
            </Text>
          </div>
          <div className={classes.kept}>
            <Text size="xs" c="var(--tw-quiet)">
              {node.kept_because || node.explanation}
              {node.idle_until ? (
                <>
                  {' '}
                  (<When at={node.idle_until} />)
                </>
              ) : null}
            </Text>
            <NodeActions node={node} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Holders({ node }: { node: Node }) {
  if (node.holders.length === 0) return null;
  return (
    <Text size="xs" c="var(--tw-quiet)" lineClamp={2}>
      {node.holders.map((holder, index) => (
        <span key={holder.attempt}>
          {index > 0 ? ', ' : ''}
          <Anchor component={Link} to={`/jobs/${holder.job}`} inherit c="inherit" td="underline">
            {holder.job_name}
          </Anchor>
        </span>
      ))}
    </Text>
  );
}

export function NodeRowsLoading() {
  return (
    <Stack gap="xs" role="status" aria-busy="true" aria-label="Nodes are being read">
      {[1, 2, 3].map((number) => (
        <Skeleton key={number} height={84} radius="md" />
      ))}
    </Stack>
  );
}
