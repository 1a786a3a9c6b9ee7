import { Alert, Button, Group, Select, Skeleton, Stack, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { $api, api, queries, type Schemas } from '@/api/client';
import { ActionButtons } from '@/components/ActionButtons';
import { CodeBlock } from '@/components/CodeBlock';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './settings.module.css';

/** API tokens and browser sessions. A secret is shown once, as it is made. */
export function Tokens() {
  const tokens = $api.useQuery('get', '/api/v1/tokens');
  const [made, setMade] = useState<Schemas['NewToken'] | null>(null);
  return (
    <Stack gap="md">
      <AddToken onMade={setMade} />
      {made ? (
        <Alert
          variant="outline"
          color="yellow"
          icon={<IconKey aria-hidden />}
          title={`The secret of ${made.name}: copy it now, it is not shown again`}
          styles={{ title: { color: 'var(--tw-warning)' } }}
          withCloseButton
          closeButtonLabel="Close"
          onClose={() => setMade(null)}
        >
          <CodeBlock text={made.secret} label="Token" />
        </Alert>
      ) : null}
      <ProblemAlert error={tokens.error} onRetry={() => void tokens.refetch()} />
      {tokens.isPending ? <Skeleton height={160} radius="md" /> : null}
      {tokens.data ? (
        <>
          <List title="API tokens" tokens={tokens.data.items.filter((each) => each.kind === 'api')} />
          <List
            title="Browser sessions"
            tokens={tokens.data.items.filter((each) => each.kind === 'session')}
          />
        </>
      ) : null}
    </Stack>
  );
}

function List({ title, tokens }: { title: string; tokens: Schemas['TokenView'][] }) {
  if (tokens.length === 0) return null;
  return (
    <Panel title={title} padding={0}>
      <ul className={classes.rows} aria-label={title}>
        {tokens.map((token) => (
          <Row key={token.id} token={token} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ token }: { token: Schemas['TokenView'] }) {
  async function revoke() {
    await api.DELETE('/api/v1/tokens/{token_id}', { params: { path: { token_id: token.id } } });
    await queries.invalidateQueries();
  }
  return (
    <li className={classes.row}>
      <div>
        <span className={classes.title}>{token.name}</span> <StateBadge badge={token.badge} size="sm" />
        <div className={classes.small}>
          {token.title} · made <When at={token.created_at} /> · last used <When at={token.used_at} />
          {token.expires_at ? (
            <>
              {' '}
              · runs out <When at={token.expires_at} />
            </>
          ) : (
            ' · does not run out'
          )}
        </div>
      </div>
      <ActionButtons actions={token.actions} run={revoke} size="xs" />
    </li>
  );
}

function AddToken({ onMade }: { onMade: (token: Schemas['NewToken']) => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const add = $api.useMutation('post', '/api/v1/tokens');

  function submit(event: FormEvent) {
    event.preventDefault();
    add.mutate(
      { body: { name, expires_in_days: days === 'never' ? null : Number(days) } },
      {
        onSuccess: (token) => {
          setName('');
          onMade(token);
          void queries.invalidateQueries();
        },
      },
    );
  }

  return (
    <Panel title="New token">
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm">
          <TextInput
            label="Name"
            description="What will use it"
            required
            style={{ flex: '1 1 14rem' }}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label="Runs out"
            data={[
              { value: '30', label: 'in 30 days' },
              { value: '90', label: 'in 90 days' },
              { value: '365', label: 'in a year' },
              { value: 'never', label: 'never' },
            ]}
            value={days}
            onChange={(value) => setDays(value ?? '90')}
            allowDeselect={false}
          />
          <Button type="submit" loading={add.isPending}>
            Make token
          </Button>
        </Group>
        <div style={{ marginTop: add.error ? 12 : 0 }}>
          <ProblemAlert error={add.error} />
        </div>
      </form>
    </Panel>
  );
}
