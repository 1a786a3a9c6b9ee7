import { Alert, Button, Group, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type FormEvent } from 'react';
import { $api, queries, type Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { When } from '@/components/When';
import classes from './settings.module.css';

type Setting = Schemas['SettingView'];
type Values = Record<string, string>;

const CURRENCY = 'electricity_currency';

/** What electricity costs and emits here, and what the machine draws: each figure with who said it. */
export function Power() {
  const settings = $api.useQuery('get', '/api/v1/settings');
  const places = $api.useQuery('get', '/api/v1/settings/places', {}, { staleTime: Infinity });
  if (settings.isPending) return <Skeleton height={420} radius="md" />;
  if (settings.error) return <ProblemAlert error={settings.error} onRetry={() => void settings.refetch()} />;
  return <PowerForm view={settings.data} places={places.data ?? { countries: [], zones: [] }} />;
}

function PowerForm({ view, places }: { view: Schemas['SettingsView']; places: Schemas['PowerPlaces'] }) {
  // Only what was touched here is kept: the other fields follow the server, also when somebody else sets them.
  const [edits, setEdits] = useState<Values>({});
  const put = $api.useMutation('put', '/api/v1/settings');
  const stored = storedIn(view);
  const values = { ...stored, ...edits };
  const isChanged = Object.keys(values).some((name) => values[name] !== stored[name]);
  const set = (name: string, value: string) => setEdits((before) => ({ ...before, [name]: value }));

  function save(event: FormEvent) {
    event.preventDefault();
    put.mutate(
      { body: bodyOf(values) },
      {
        onSuccess: (saved) => {
          notifications.show({ message: 'Saved. It holds for what begins from now on.' });
          queries.setQueryData($api.queryOptions('get', '/api/v1/settings').queryKey, saved);
          // What was typed while the answer was on its way has not been saved yet.
          setEdits((now) =>
            Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== values[name])),
          );
          void queries.invalidateQueries();
        },
      },
    );
  }

  return (
    <Stack gap="md">
      <Panel title={view.machine ? `This machine: ${view.machine}` : 'This machine'}>
        <Text size="sm">{view.hour_text}</Text>
        <Text size="sm" c="var(--tw-quiet)">
          {view.price_text}; {view.carbon_text}
        </Text>
      </Panel>
      {view.why_not ? (
        <Alert variant="outline" color="gray" title="You can look, and not change">
          {view.why_not}
        </Alert>
      ) : null}
      <form onSubmit={save}>
        <Panel title="Electricity, carbon and power" padding={0}>
          {view.items.map((setting) => (
            <Row
              key={setting.name}
              setting={setting}
              value={values[setting.name] ?? ''}
              onChange={(value) => set(setting.name, value)}
              places={places}
              isFixed={!view.can_change}
              currency={
                setting.name === 'electricity_price'
                  ? {
                      currency: values[CURRENCY] ?? '',
                      setCurrency: (value) => set(CURRENCY, value),
                      view,
                    }
                  : null
              }
            />
          ))}
          <div style={{ padding: '0 16px' }}>
            <ProblemAlert error={put.error} />
          </div>
          <div className={classes.foot}>
            <Text size="xs" c="var(--tw-quiet)" style={{ flex: '1 1 20rem' }}>
              {view.precedence}
              {view.updated_at ? (
                <>
                  {' '}
                  Set by {view.updated_by} <When at={view.updated_at} />.
                </>
              ) : null}
            </Text>
            <Button type="submit" loading={put.isPending} disabled={!isChanged || !view.can_change}>
              Save
            </Button>
          </div>
        </Panel>
      </form>
    </Stack>
  );
}

function Row({
  setting,
  value,
  onChange,
  places,
  isFixed,
  currency,
}: {
  setting: Setting;
  value: string;
  onChange: (value: string) => void;
  places: Schemas['PowerPlaces'];
  isFixed: boolean;
  currency: { currency: string; setCurrency: (value: string) => void; view: Schemas['SettingsView'] } | null;
}) {
  const choices = setting.kind === 'country' ? places.countries : [...places.countries, ...places.zones];
  const label = { 'aria-label': setting.title, disabled: isFixed };
  return (
    <div className={classes.setting}>
      <div>
        <div className={classes.title}>{setting.title}</div>
        <div className={classes.small}>{setting.help}</div>
        <div className={classes.holds}>
          {setting.text} <span className={classes.small}>{setting.origin_text}</span>
        </div>
        {setting.stored !== null ? <div className={classes.small}>Otherwise: {setting.otherwise}</div> : null}
        {setting.overruled_by ? (
          <div className={classes.small} style={{ color: 'var(--tw-warning)' }}>
            {setting.overruled_by} goes first: what is set here has no effect on this server.
          </div>
        ) : null}
      </div>
      {setting.kind === 'number' ? (
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <TextInput
            {...label}
            style={{ flex: 1 }}
            inputMode="decimal"
            placeholder="not set"
            rightSection={currency ? null : <span className={classes.small}>{setting.unit}</span>}
            rightSectionWidth={currency ? undefined : setting.unit.length * 7 + 16}
            value={value}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
          {currency ? (
            <Select
              aria-label="Currency"
              w={90}
              data={currency.view.known_currencies}
              value={currency.currency}
              onChange={(next) => next && currency.setCurrency(next)}
              allowDeselect={false}
              disabled={isFixed}
            />
          ) : null}
        </Group>
      ) : (
        <Select
          {...label}
          placeholder="not set"
          searchable
          clearable
          limit={80}
          data={choices.map((place) => ({ value: place.code, label: `${place.name} (${place.code})` }))}
          value={value || null}
          onChange={(next) => onChange(next ?? '')}
          nothingFoundMessage="No such place is known"
        />
      )}
    </div>
  );
}

function storedIn(view: Schemas['SettingsView']): Values {
  return {
    ...Object.fromEntries(view.items.map((each) => [each.name, each.stored ?? ''])),
    [CURRENCY]: view.electricity_currency,
  };
}

function bodyOf(values: Values): Schemas['SettingsRequest'] {
  const text = (name: string) => values[name]?.trim().replace(',', '.') || null;
  const number = (name: string) => {
    const found = text(name);
    return found === null ? null : Number(found);
  };
  return {
    country: text('country'),
    carbon_zone: text('carbon_zone'),
    electricity_price: text('electricity_price'),
    electricity_currency: values[CURRENCY] ?? 'USD',
    carbon_grams_per_kwh: number('carbon_grams_per_kwh'),
    watts_idle: number('watts_idle'),
    watts_max: number('watts_max'),
  };
}
