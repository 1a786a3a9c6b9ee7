import { Button, Text } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Link } from 'react-router';
import { $api, queries, type Schemas } from '@/api/client';
import { CommandLine } from '@/components/CommandLine';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import classes from './home.module.css';

type Step = Schemas['ChecklistStep'];

/** What to do first. The server sees what is done; the list goes when all is, or when nobody wants to see it. */
export function Checklist({ list }: { list: Schemas['Checklist'] }) {
  const preferences = $api.useQuery('get', '/api/v1/preferences');
  const put = $api.useMutation('put', '/api/v1/preferences', {
    onSuccess: () => queries.invalidateQueries(),
  });
  const known = preferences.data;
  return (
    <Panel
      title="First steps"
      aside={
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          c="var(--tw-quiet)"
          disabled={!known}
          loading={put.isPending}
          onClick={() => known && put.mutate({ body: { ...known.values, hides_checklist: true } })}
        >
          Hide
        </Button>
      }
      padding={0}
    >
      <div style={{ padding: '0 16px 12px' }}>
        <Text size="xs" c="var(--tw-quiet)" mb={6}>
          {list.text}
        </Text>
        <Meter share={list.done / list.steps.length} label={`First steps: ${list.text}`} tone="good" />
      </div>
      <ProblemAlert error={put.error} />
      <ol className={classes.rows} aria-label="First steps">
        {list.steps.map((step) => (
          <StepRow key={step.id} step={step} />
        ))}
      </ol>
    </Panel>
  );
}

function StepRow({ step }: { step: Step }) {
  return (
    <li className={classes.step} data-done={step.is_done || undefined}>
      <span className={classes.mark} data-done={step.is_done || undefined}>
        {step.is_done ? <IconCheck size={14} stroke={2.4} role="img" aria-label="Done" /> : null}
      </span>
      <div className={classes.main}>
        <div className={classes.title}>{step.title}</div>
        {step.is_done ? null : (
          <>
            <div className={classes.quiet}>{step.text}</div>
            <div style={{ marginTop: 6 }}>
              <CommandLine text={step.command} />
            </div>
          </>
        )}
      </div>
      {step.is_done ? (
        <span className={classes.small}>Done</span>
      ) : (
        <Button component={Link} to={step.link} size="xs" variant="default" aria-label={`Go: ${step.title}`}>
          Go
        </Button>
      )}
    </li>
  );
}
