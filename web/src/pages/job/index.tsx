import { Button, Loader, Skeleton, Stack, Tabs } from '@mantine/core';
import { IconMoodEmpty } from '@tabler/icons-react';
import { Suspense } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { problemOf } from '@/api/problem';
import { useLive } from '@/api/stream';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';
import { ProblemAlert } from '@/components/ProblemAlert';
import { TabList } from '@/components/TabList';
import { Head } from './Head';
import { tabs } from './tabs';
import { useJob, type Detail } from './useJob';

export default function Job() {
  const { id = '', tab = 'overview' } = useParams();
  const query = useJob(id);
  const job = query.data;
  useLive(job ? `job:${job.id}` : '', 'jobs');
  if (query.error && problemOf(query.error).status === 404) return <Missing reference={id} />;
  return (
    <>
      {job ? <Head job={job} /> : <PageHeader title="Job" />}
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loading /> : null}
      {job ? <Panels job={job} reference={id} tab={tab} /> : null}
    </>
  );
}

function Panels({ job, reference, tab }: { job: Detail; reference: string; tab: string }) {
  const navigate = useNavigate();
  const shown = tabs.some((each) => each.id === tab) ? tab : 'overview';
  return (
    <Tabs
      value={shown}
      keepMounted={false}
      onChange={(value) =>
        void navigate(`/jobs/${reference}${value === 'overview' ? '' : `/${value ?? ''}`}`, {
          replace: true,
          preventScrollReset: true,
        })
      }
    >
      <TabList active={shown} label="About this job">
        {tabs.map((each) => (
          <Tabs.Tab key={each.id} value={each.id}>
            {each.label}
          </Tabs.Tab>
        ))}
      </TabList>
      {tabs.map(({ id, Panel }) => (
        <Tabs.Panel key={id} value={id}>
          <Suspense fallback={<Loader size="sm" />}>
            <Panel job={job} />
          </Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function Missing({ reference }: { reference: string }) {
  return (
    <>
      <PageHeader title="No such job" />
      <EmptyState
        icon={IconMoodEmpty}
        title={`There is no job ${reference}`}
        action={
          <Button component={Link} to="/jobs" mt="xs">
            See all jobs
          </Button>
        }
      >
        It was deleted, it belongs to another project, or the address is mistyped.
      </EmptyState>
    </>
  );
}

function Loading() {
  return (
    <Stack gap="sm" aria-busy="true" aria-label="The job is being loaded">
      <Skeleton height={84} />
      <Skeleton height={36} width="60%" />
      <Skeleton height={260} />
    </Stack>
  );
}
