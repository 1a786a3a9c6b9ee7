import { Button, Skeleton, Stack, TextInput, Title } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Link, Navigate } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { useUrlState } from '@/lib/url';
import classes from './connections.module.css';

type Provider = Schemas['ProviderView'];

export default function Connections() {
  useLive('connections');
  const url = useUrlState();
  const providers = $api.useQuery('get', '/api/v1/providers');
  const wanted = url.text('provider');
  if (wanted) return <Navigate to={`/connections/${encodeURIComponent(wanted)}`} replace />;
  return (
    <>
      <PageHeader
        title="Connections"
        about="Where jobs may run: your credentials for each provider, and machines of your own."
        actions={
          <TextInput
            aria-label="Find a provider"
            placeholder="Find a provider"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={url.text('q')}
            onChange={(event) => url.set({ q: event.currentTarget.value })}
          />
        }
      />
      <ProblemAlert error={providers.error} onRetry={() => void providers.refetch()} />
      {providers.isPending ? <Skeleton height={320} radius="md" /> : null}
      {providers.data ? (
        <Groups page={providers.data} query={url.text('q')} onClear={() => url.set({ q: null })} />
      ) : null}
    </>
  );
}

function Groups({
  page,
  query,
  onClear,
}: {
  page: Schemas['ProviderPage'];
  query: string;
  onClear: () => void;
}) {
  const word = query.trim().toLowerCase();
  const byId = new Map(page.items.filter((each) => isLike(each, word)).map((each) => [each.id, each]));
  const groups = page.groups
    .map((group) => ({ ...group, items: group.providers.flatMap((id) => byId.get(id) ?? []) }))
    .filter((group) => group.items.length > 0);
  if (groups.length === 0) {
    return (
      <EmptyState
        title={`0 of ${page.items.length} providers match “${query}”`}
        action={
          <Button variant="default" onClick={onClear}>
            Show all
          </Button>
        }
      />
    );
  }
  return (
    <Stack gap="xl">
      {groups.map((group) => (
        <section key={group.name} aria-labelledby={`group-${group.name}`}>
          <Title order={2} id={`group-${group.name}`} mb="sm">
            {group.title}
          </Title>
          <ul className={classes.cards}>
            {group.items.map((provider) => (
              <li key={provider.id}>
                <Card provider={provider} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Stack>
  );
}

function isLike(provider: Provider, word: string): boolean {
  return [provider.id, provider.title, ...provider.aliases].some((each) => each.toLowerCase().includes(word));
}

function Card({ provider }: { provider: Provider }) {
  const { badge, summary } = provider;
  const isTrouble = badge.tone === 'bad' || badge.tone === 'warning';
  return (
    <Link to={`/connections/${provider.id}`} className={classes.card}>
      <span className={classes.head}>
        <span className={classes.name}>{provider.title}</span>
        <StateBadge badge={{ ...badge, explanation: null }} size="sm" />
      </span>
      {isTrouble && badge.explanation ? (
        <span className={`${classes.small} ${classes[badge.tone]}`}>{badge.explanation}</span>
      ) : null}
      <span className={classes.small}>
        {summary.length > 0 ? summary.join(' · ') : (provider.pros[0] ?? '')}
      </span>
      <span className={classes.foot}>
        {provider.examined_at ? (
          <span>
            validated <When at={provider.examined_at} />
          </span>
        ) : (
          <span>ready in {provider.estimated_time}</span>
        )}
        {provider.has_spot ? <span>spot</span> : null}
      </span>
    </Link>
  );
}
