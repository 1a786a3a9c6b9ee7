import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { api, newKey, type Schemas } from '@/api/client';
import { ActionButtons, type Action } from '@/components/ActionButtons';

/** Gives a rented machine back, or lets a machine of one's own go; what is permitted the server says. */
export function NodeActions({
  node,
  size = 'xs',
}: {
  node: Pick<Schemas['NodeView'], 'id' | 'name' | 'permitted'>;
  size?: 'xs' | 'sm';
}) {
  const client = useQueryClient();

  async function run(action: Action) {
    if (action.id === 'remove' || action.id === 'remove_lost') {
      await api.DELETE('/api/v1/hosts/{name}', {
        params: { path: { name: node.name }, query: { lost: action.id === 'remove_lost' || undefined } },
      });
    } else {
      await api.POST('/api/v1/nodes/{reference}/stop', {
        params: { path: { reference: node.id }, header: { 'Idempotency-Key': newKey() } },
        body: { now: action.id === 'stop_now' },
      });
    }
    notifications.show({ message: `${node.name}: ${action.label.toLowerCase()} was asked for.` });
    await client.invalidateQueries();
  }

  if (node.permitted.length === 0) return null;
  return <ActionButtons actions={node.permitted} run={run} size={size} />;
}
