import { Anchor } from '@mantine/core';
import { IconAlertCircle, IconAlertTriangle } from '@tabler/icons-react';
import { Panel } from '@/components/Panel';
import { Sentence } from '@/components/Sentence';
import { useUrlState } from '@/lib/url';
import { useDraft } from '../draft';
import type { StepId } from '../drafts';
import classes from './Review.module.css';

/** All that is wrong, and all that one might regret, each with the step it can be mended in. */
export function Findings() {
  const { check, form, insist, change } = useDraft();
  const url = useUrlState();
  if (check === undefined || check.faults.length + check.warnings.length === 0) return null;
  const titles = new Map(form.steps.map((step) => [step.id, step.title]));

  function open(step: StepId) {
    insist(step);
    change({ step });
    url.set({ step }, { push: true });
  }

  const title = check.faults.length > 0 ? 'To mend before it can start' : 'To know of before it starts';
  const found = [
    ...check.faults.map((each) => ({ ...each, kind: 'fault' as const })),
    ...check.warnings.map((each) => ({ ...each, kind: 'warning' as const })),
  ];
  return (
    <Panel title={title}>
      <ul className={classes.findings} aria-label={title}>
        {found.map((each) => (
          <li key={`${each.where} ${each.message}`} data-kind={each.kind}>
            {each.kind === 'fault' ? (
              <IconAlertCircle size={16} aria-hidden />
            ) : (
              <IconAlertTriangle size={16} aria-hidden />
            )}
            <div>
              <Sentence text={each.message} />
              {each.hint ? (
                <span className={classes.hint}>
                  <Sentence text={each.hint} />
                </span>
              ) : null}
              {each.step !== 'review' ? (
                <Anchor component="button" type="button" size="sm" onClick={() => open(each.step)}>
                  {titles.get(each.step)}
                </Anchor>
              ) : null}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
