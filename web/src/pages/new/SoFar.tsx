import { Anchor, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconAlertCircle } from '@tabler/icons-react';
import { Panel } from '@/components/Panel';
import { useDraft } from './draft';
import type { StepId } from './drafts';
import classes from './SoFar.module.css';

/** What the draft says by now, step by step. */
export function SoFar({ step, onGo }: { step: StepId; onGo: (step: StepId) => void }) {
  const { check, isInsisted } = useDraft();
  if (check === undefined) return null;
  return (
    <div className={classes.box}>
      <Panel title="So far">
        <Stack gap={10}>
          {check.steps
            .filter((each) => each.id !== 'review')
            .map((each) => (
              <div key={each.id} aria-current={each.id === step ? 'step' : undefined}>
                <Anchor
                  component="button"
                  type="button"
                  size="xs"
                  c="var(--tw-quiet)"
                  onClick={() => onGo(each.id)}
                >
                  {each.title}
                </Anchor>
                <Text size="sm" className={classes.text}>
                  {each.summary}
                </Text>
                {each.faults > 0 && isInsisted(each.id) ? (
                  <Text size="xs" c="var(--tw-bad)" className={classes.line}>
                    <IconAlertCircle size={13} aria-hidden /> {each.faults} to mend
                  </Text>
                ) : null}
                {each.warnings > 0 ? (
                  <Text size="xs" c="var(--tw-warning)" className={classes.line}>
                    <IconAlertTriangle size={13} aria-hidden /> {each.warnings} to know of
                  </Text>
                ) : null}
              </div>
            ))}
        </Stack>
      </Panel>
    </div>
  );
}
