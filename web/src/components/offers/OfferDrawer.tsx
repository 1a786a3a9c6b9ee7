import { Anchor, Drawer, Group, List, Loader, Stack, Text, Title } from '@mantine/core';
import { IconCircleMinus, IconCirclePlus, IconExternalLink } from '@tabler/icons-react';
import { lazy, Suspense, type ReactNode } from 'react';
import { Link } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { CopyButton } from '@/components/CopyButton';
import { KeyValues } from '@/components/KeyValues';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { AlertBelow } from './AlertBelow';
import { useDoing } from './context';
import { LaunchButton } from './LaunchButton';
import type { Offer, OfferSearch } from './types';
import classes from './offers.module.css';

// A chart is loaded when one is looked at.
const OfferHistory = lazy(() => import('./OfferHistory'));

/** One offer in full: what it costs, what speaks for and against it, how to get ready, what it used to cost. */
export function OfferDrawer({
  offerKey,
  search,
  onClose,
}: {
  offerKey: string | null;
  search: OfferSearch;
  onClose: () => void;
}) {
  return (
    <Drawer
      opened={offerKey !== null}
      onClose={onClose}
      position="right"
      size="min(560px, 100vw)"
      title="Offer"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {offerKey === null ? null : <Detail offerKey={offerKey} search={search} />}
    </Drawer>
  );
}

function Detail({ offerKey, search }: { offerKey: string; search: OfferSearch }) {
  const { hours, on, local_cost, local_gpu } = search;
  const query = { offer: offerKey, hours, on, local_cost, local_gpu };
  const found = $api.useQuery('get', '/api/v1/offers/detail', { params: { query } });
  if (found.error) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loader size="sm" aria-label="Loading the offer" />;
  const { row, pros, cons, setup, billing, alternatives } = found.data;
  return (
    <Stack gap="lg">
      <Head row={row} hours={hours ?? 10} billing={billing} />
      <Facts row={row} />
      {row.is_own ? null : (
        <Part title="Price over time">
          <Suspense fallback={<Loader size="sm" aria-label="Loading the chart" />}>
            <OfferHistory offer={row} />
          </Suspense>
          <Anchor component={Link} size="sm" to={`/prices?offer=${encodeURIComponent(row.key)}`}>
            Full price history
          </Anchor>
        </Part>
      )}
      <ProsAndCons pros={pros} cons={cons} />
      <Setup setup={setup} row={row} />
      {row.is_own || !row.accelerator ? null : (
        <Part title="Alert me below">
          <AlertBelow
            title={row.accelerator_title ?? row.title}
            usual={row.gpu_price?.micro ?? null}
            filters={filtersOf(row)}
          />
        </Part>
      )}
      <Alternatives rows={alternatives} hours={hours ?? 10} />
    </Stack>
  );
}

function Head({ row, hours, billing }: { row: Offer; hours: number; billing: string }) {
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Title order={2} size="h3">
            {row.title}
          </Title>
          <Text size="sm" c="var(--tw-quiet)">
            {[row.provider_title, row.region, row.market_title].filter(Boolean).join(' · ')}
          </Text>
        </div>
        <StateBadge badge={row.availability} />
      </Group>
      <Group gap="xl" mt="sm" align="flex-end">
        <Figure name="per hour" value={row.price?.text} />
        <Figure name="per GPU-hour" value={row.gpu_price?.text} />
        <Figure name={`for ${hours} h`} value={row.total?.text} />
      </Group>
      <Text size="xs" c="var(--tw-quiet)" mt={6}>
        {row.total_note} {billing}
      </Text>
      <Group mt="sm" gap="xs">
        <LaunchButton offer={row} size="sm" />
        {row.launch.is_possible ? null : (
          <Text size="sm" c="var(--tw-quiet)">
            {row.launch.reason}
          </Text>
        )}
      </Group>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string | undefined }) {
  return (
    <div>
      <div className={classes.price}>{value ?? '–'}</div>
      <Text size="xs" c="var(--tw-quiet)">
        {name}
      </Text>
    </div>
  );
}

function Facts({ row }: { row: Offer }) {
  return (
    <KeyValues
      items={[
        [
          'Machine',
          row.instance_type ? (
            <Group gap={4} wrap="nowrap">
              {row.instance_type} <CopyButton text={row.instance_type} label="Copy the type" />
            </Group>
          ) : null,
        ],
        ['Specification', row.specs || null],
        ['GPU memory', row.memory_gb ? `${row.memory_gb} GB each, ${row.total_memory_gb} GB in all` : null],
        ['Zone', row.zone],
        ['Starts in', row.start_text],
        ['Done in', row.finish_text],
        [`Per ${row.work_unit} hour of work`, row.work?.text],
        [
          'Energy and carbon',
          row.energy_kwh
            ? `${row.energy_kwh.toPrecision(3)} kWh, ${row.carbon_text ?? 'carbon not known'}`
            : null,
        ],
        [
          'Price seen',
          <Group key="seen" gap={6}>
            <When at={row.seen_at} /> <StateBadge badge={row.age} size="sm" /> {row.source}
          </Group>,
        ],
      ]}
    />
  );
}

function ProsAndCons({ pros, cons }: { pros: string[]; cons: string[] }) {
  if (pros.length + cons.length === 0) return null;
  return (
    <Part title="For and against">
      <List size="sm" spacing={4} center={false}>
        {pros.map((each) => (
          <List.Item key={each} icon={<IconCirclePlus size={16} color="var(--tw-good)" aria-label="For" />}>
            {each}
          </List.Item>
        ))}
        {cons.map((each) => (
          <List.Item
            key={each}
            icon={<IconCircleMinus size={16} color="var(--tw-warning)" aria-label="Against" />}
          >
            {each}
          </List.Item>
        ))}
      </List>
    </Part>
  );
}

function Setup({ setup, row }: { setup: Schemas['SetupView']; row: Offer }) {
  return (
    <Part title={setup.title}>
      <List type="ordered" size="sm" spacing={4}>
        {setup.steps.map((step) => (
          <List.Item key={step}>{step}</List.Item>
        ))}
      </List>
      <Group gap="md">
        <Text size="xs" c="var(--tw-quiet)">
          Takes about {setup.estimated_time} the first time.
        </Text>
        {setup.api_docs ? (
          <Anchor size="xs" href={setup.api_docs} target="_blank" rel="noreferrer">
            API documentation of {row.provider_title} <IconExternalLink size={12} aria-hidden />
          </Anchor>
        ) : null}
      </Group>
    </Part>
  );
}

function Alternatives({ rows, hours }: { rows: Offer[]; hours: number }) {
  const { open } = useDoing();
  if (rows.length === 0) return null;
  return (
    <Part title="The same elsewhere">
      <ul className={classes.others}>
        {rows.map((row) => (
          <li key={row.key}>
            <button type="button" onClick={() => open(row.key)}>
              <span>
                {row.provider_title}, {row.region}
                <small>{row.market_title}</small>
              </span>
              <span>{row.price ? `${row.price.text}/h` : '–'}</span>
              <b>{row.total ? `${row.total.text} for ${hours} h` : '–'}</b>
            </button>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={3} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

function filtersOf(row: Offer): Schemas['AlertFilters'] {
  return {
    accelerators: row.accelerator ? [row.accelerator] : [],
    min_count: row.accelerator_count,
    max_count: row.accelerator_count,
    providers: [row.provider],
    regions: row.region ? [row.region] : [],
    markets: [row.market as Schemas['Market']],
  };
}
