import { Anchor, Group, Loader, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { Carbon, Cost, Hours } from '@/components/estimate/figures';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Sentence } from '@/components/Sentence';
import { Stat } from '@/components/Stat';
import { formatCount, formatDuration, formatPercent } from '@/lib/format';
import { useDraft } from '../draft';
import { More } from '@/components/More';
import classes from './Review.module.css';
import { placeName } from './placeColumns';
import { RunnersUp } from './RunnersUp';

type PlanView = Schemas['PlanView'];

/** Where it would run, for how much and why, and what else there is. */
export function Plan() {
  const { check } = useDraft();
  const spec = check?.is_valid ? check.spec : null;
  const { data, error, isFetching } = $api.useQuery(
    'post',
    '/api/v1/plans',
    { body: { spec: spec ?? {}, compares: true } },
    { enabled: spec !== null, staleTime: 15_000, refetchInterval: 60_000 },
  );
  return (
    <Panel title="Plan" aside={isFetching ? <Loader size="xs" role="status" aria-label="Planning" /> : null}>
      <ProblemAlert error={error} />
      {spec === null ? (
        <Text size="sm" c="var(--tw-quiet)">
          There is a plan as soon as the job file is right.
        </Text>
      ) : null}
      <div aria-busy={isFetching}>{data && spec !== null ? <Answer plan={data} /> : null}</div>
    </Panel>
  );
}

function Answer({ plan }: { plan: PlanView }) {
  const { chosen, place } = plan;
  return (
    <Stack gap="md">
      <div>
        {chosen ? (
          <div className={classes.headline}>
            <Text fw={600} size="lg">
              {placeName(chosen)}
            </Text>
            <Text>
              {chosen.accelerators ?? `${chosen.cpus} processors`} · {chosen.market.replace('_', '-')} ·{' '}
              {chosen.price_per_hour.text}/h
            </Text>
          </div>
        ) : (
          <Text fw={600} c="var(--tw-bad)">
            Nothing that is connected fits
          </Text>
        )}
        <Text size="sm" c="var(--tw-quiet)">
          <Sentence text={`${plan.reason}.`} />
        </Text>
      </div>
      {chosen ? (
        <Group gap="xl" align="flex-start">
          <Stat
            name="Cost, P10 to P90"
            value={
              <Cost middle={place?.cost ?? plan.cost_estimate} from={place?.cost_p10} to={place?.cost_p90} />
            }
            more={plan.cost_max ? `at most ${plan.cost_max.text}` : 'no limit is set'}
          />
          <Stat
            name="Training"
            value={
              place?.hours ? (
                <Hours band={place.hours} />
              ) : plan.hours !== null ? (
                formatDuration(plan.hours * 3600)
              ) : (
                '–'
              )
            }
            more={plan.hours_source}
          />
          {place?.wall_hours ? <Stat name="Done in" value={formatDuration(place.wall_hours * 3600)} /> : null}
          <Stat name="Carbon" value={<Carbon grams={place?.carbon_grams ?? plan.carbon_grams_estimate} />} />
          {place ? (
            <Stat
              name="Risk"
              value={formatPercent(place.risk)}
              more={place.risk_reasons.join('; ') || undefined}
              tone={place.risk > 0.5 ? 'warning' : undefined}
            />
          ) : null}
          {plan.queue_ahead > 0 ? (
            <Stat name="Waiting before it" value={formatCount(plan.queue_ahead)} />
          ) : null}
        </Group>
      ) : null}
      {[...plan.warnings, ...(place?.notes ?? [])].map((warning) => (
        <Text key={warning} size="sm" c="var(--tw-warning)">
          <Sentence text={warning} />
        </Text>
      ))}
      <Elsewhere plan={plan} />
      <RunnersUp places={plan.runners_up} fitting={plan.offers_fitting} seen={plan.offers_seen} />
      <RuledOut plan={plan} />
    </Stack>
  );
}

function Elsewhere({ plan }: { plan: PlanView }) {
  const best = plan.best_anywhere;
  if (!best) return null;
  return (
    <Text size="sm">
      Best anywhere: {placeName(best.offer)}, {best.offer.accelerators ?? best.offer.instance_type},{' '}
      {best.cost ? best.cost.text : `${best.offer.price_per_hour.text}/h`}.{' '}
      <Sentence text={`${plan.best_reason}.`} />{' '}
      {best.how_to_connect ? (
        <Anchor component={Link} to={`/connections?provider=${best.offer.provider}`} size="sm">
          Connections
        </Anchor>
      ) : null}
    </Text>
  );
}

function RuledOut({ plan }: { plan: PlanView }) {
  const groups = plan.exclusions;
  const changes = plan.what_would_change;
  if (groups.length + changes.length + plan.excluded.length === 0) return null;
  return (
    <More
      label={`What was ruled out${plan.offers_seen ? ` of ${formatCount(plan.offers_seen)} offers` : ''}`}
    >
      <ul className={classes.findings}>
        {groups.map((group) => (
          <li key={group.constraint}>
            <span>{formatCount(group.count)}</span>
            <span>
              <Sentence text={group.explanation} />
              {group.examples.length > 0 ? (
                <span className={classes.hint}>nearest: {group.examples.join(', ')}</span>
              ) : null}
            </span>
          </li>
        ))}
        {groups.length === 0
          ? plan.excluded.map((each) => (
              <li key={`${each.provider} ${each.instance_type}`}>
                <span>
                  {each.provider} {each.instance_type}: {each.explanation}
                </span>
              </li>
            ))
          : null}
        {changes.map((change) => (
          <li key={change.text}>
            <span>
              <Sentence text={change.text} />
            </span>
          </li>
        ))}
      </ul>
    </More>
  );
}
