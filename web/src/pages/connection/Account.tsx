import { Alert, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { Schemas } from '@/api/client';
import { KeyValues } from '@/components/KeyValues';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { When } from '@/components/When';
import classes from './connection.module.css';

/** Whose the credentials are, and what they allow, as the provider last said. */
export function Account({ connection }: { connection: Schemas['ConnectionView'] }) {
  const { account, badge } = connection;
  const settings = Object.entries(connection.settings);
  return (
    <Panel title="This connection">
      <Stack gap="md">
        {badge.explanation && badge.tone !== 'quiet' ? (
          <Warning title={badge.label} bad={badge.tone === 'bad'}>
            {badge.explanation}
          </Warning>
        ) : null}
        <KeyValues
          items={[
            ['Account', account?.identity ?? 'not known: nobody was asked'],
            ['Credentials', connection.source_text],
            ['Validated', <When key="at" at={connection.examined_at} />],
            ['Run out', connection.expires_at ? <When key="end" at={connection.expires_at} /> : 'not said'],
            ...(account && account.regions.length > 0
              ? ([['Regions', account.regions.join(', ')]] as [string, string][])
              : []),
            ...settings.map(
              ([name, value]) =>
                [name, Array.isArray(value) ? value.join(', ') : String(value)] as [string, string],
            ),
          ]}
        />
        {account && account.missing.length > 0 ? (
          <Warning title="Missing permissions">
            <List size="sm">
              {account.missing.map((each) => (
                <List.Item key={each}>
                  <code>{each}</code>
                </List.Item>
              ))}
            </List>
          </Warning>
        ) : null}
        {account && account.quotas.length > 0 ? <Quotas quotas={account.quotas} /> : null}
        {[...(account?.notes ?? []), ...connection.notes].map((note) => (
          <Text size="sm" c="var(--tw-quiet)" key={note}>
            {note}
          </Text>
        ))}
      </Stack>
    </Panel>
  );
}

function Warning({
  title,
  bad = false,
  children,
}: {
  title: string;
  bad?: boolean;
  children: React.ReactNode;
}) {
  return (
    <Alert
      variant="outline"
      color={bad ? 'red' : 'yellow'}
      icon={<IconAlertTriangle aria-hidden />}
      title={title}
      styles={{ title: { color: bad ? 'var(--tw-bad)' : 'var(--tw-warning)' } }}
    >
      {children}
    </Alert>
  );
}

function Quotas({ quotas }: { quotas: Schemas['QuotaView'][] }) {
  return (
    <div>
      <Text size="sm" fw={550} mb={6}>
        Quotas
      </Text>
      <ul className={classes.quota} aria-label="Quotas">
        {quotas.map((quota) => (
          <li key={`${quota.name} ${quota.region}`}>
            <span>
              {quota.name} {quota.region ? <span className={classes.small}>{quota.region}</span> : null}
            </span>
            {quota.used === null ? (
              <span />
            ) : (
              <Meter
                share={quota.limit ? quota.used / quota.limit : 1}
                label={`${quota.name}: ${quota.text}`}
                tone={quota.used >= quota.limit ? 'bad' : 'busy'}
              />
            )}
            <span>{quota.text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
