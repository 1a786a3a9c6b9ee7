import { Button, Skeleton } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { $api, api, queries, type Schemas } from '@/api/client';
import { ActionButtons, type Action } from '@/components/ActionButtons';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './alerts.module.css';

export function AlertList({ onEdit, onNew }: { onEdit: (name: string) => void; onNew: () => void }) {
  const alerts = $api.useQuery('get', '/api/v1/alerts');
  if (alerts.isPending) return <Skeleton height={240} radius="md" />;
  if (alerts.error) return <ProblemAlert error={alerts.error} onRetry={() => void alerts.refetch()} />;
  if (alerts.data.items.length === 0) {
    return (
      <EmptyState title="No alerts yet" icon={IconBell} action={<Button onClick={onNew}>New alert</Button>}>
        An alert watches the prices that are fetched anyway, and tells you on Slack, by mail or at a webhook.
      </EmptyState>
    );
  }
  return (
    <Panel padding={0}>
      <ul className={classes.rows} aria-label="Alerts">
        {alerts.data.items.map((alert) => (
          <Row key={alert.id} alert={alert} onEdit={onEdit} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ alert, onEdit }: { alert: Schemas['AlertView']; onEdit: (name: string) => void }) {
  const path = { params: { path: { reference: alert.name } } };
  async function run(action: Action) {
    if (action.id === 'edit') return onEdit(alert.name);
    if (action.id === 'mute') await api.POST('/api/v1/alerts/{reference}/mute', path);
    if (action.id === 'unmute') await api.POST('/api/v1/alerts/{reference}/unmute', path);
    if (action.id === 'remove') await api.DELETE('/api/v1/alerts/{reference}', path);
    await queries.invalidateQueries();
  }
  const told = alert.channels.map((channel) => channel.name).join(', ');
  return (
    <li className={classes.row}>
      <div>
        <div className={classes.head}>
          <span className={classes.name}>{alert.name}</span>
          <StateBadge badge={alert.badge} size="sm" />
        </div>
        <div className={classes.summary}>{alert.summary}</div>
        <div className={classes.small}>
          {alert.now_text} · {alert.fired_text}
          {alert.fired_at ? (
            <>
              , last <When at={alert.fired_at} />
            </>
          ) : null}
          {told ? ` · tells ${told}` : ''}
        </div>
        <div className={classes.small}>{alert.again_text}</div>
        {alert.notes.map((note) => (
          <div className={classes.small} key={note} style={{ color: 'var(--tw-warning)' }}>
            {note}
          </div>
        ))}
      </div>
      <ActionButtons actions={alert.permitted} run={run} size="xs" />
    </li>
  );
}
