import { Alert, Button, List, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { problemOf } from '@/api/problem';
import { Sentence } from './Sentence';

/** An error as the server tells it: what happened, why, and what to do. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (!error) return null;
  const problem = problemOf(error);
  const faults = problem.errors.filter(
    (each) => each.message && !problem.detail.includes(String(each.message)),
  );
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      title={sentence(problem.detail)}
      role="alert"
      styles={{ title: { color: 'var(--tw-bad)' } }}
    >
      {problem.causes.map((cause) => (
        <Text size="sm" key={cause}>
          because {cause}
        </Text>
      ))}
      {faults.length > 0 ? (
        <List size="sm">
          {faults.map((each, number) => (
            <List.Item key={number}>
              {each.where ? <code>{each.where}</code> : null} {each.message}
              {each.hint ? (
                <Text size="sm" c="var(--tw-quiet)">
                  {each.hint}
                </Text>
              ) : null}
            </List.Item>
          ))}
        </List>
      ) : null}
      {problem.hint ? (
        <Text size="sm">
          <Sentence text={sentence(problem.hint)} />
        </Text>
      ) : null}
      {problem.code || problem.request_id ? (
        <Text size="xs" c="var(--tw-quiet)" mt={4}>
          {[problem.code, problem.request_id].filter(Boolean).join(' · ')}
        </Text>
      ) : null}
      {onRetry ? (
        <Button size="xs" variant="default" mt="xs" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </Alert>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
