import {
  Button,
  MultiSelect,
  SegmentedControl,
  Select,
  Skeleton,
  Stack,
  Switch,
  TagsInput,
  Text,
  useMantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type FormEvent } from 'react';
import { $api, queries, type Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import classes from './settings.module.css';

type Values = Schemas['PreferencesView']['values'];

const SORTS = [
  { value: 'price', label: 'Price of the machine' },
  { value: 'price_per_accelerator', label: 'Price per GPU' },
  { value: 'memory', label: 'Memory' },
  { value: 'availability', label: 'Availability' },
  { value: 'provider', label: 'Provider' },
];

/** What you prefer. Kept by the server, but for the colours, which are of this browser. */
export function Preferences() {
  const preferences = $api.useQuery('get', '/api/v1/preferences');
  return (
    <Stack gap="md">
      <Colours />
      <ProblemAlert error={preferences.error} onRetry={() => void preferences.refetch()} />
      {preferences.isPending ? <Skeleton height={240} radius="md" /> : null}
      {preferences.data ? <Form key={preferences.data.updated_at ?? 'new'} view={preferences.data} /> : null}
    </Stack>
  );
}

function Colours() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Panel title="Colours">
      <SegmentedControl
        aria-label="Colours"
        data={[
          { value: 'auto', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
        value={colorScheme}
        onChange={(value) => setColorScheme(value)}
      />
      <Text size="xs" c="var(--tw-quiet)" mt={6}>
        Of this browser.
      </Text>
    </Panel>
  );
}

function Form({ view }: { view: Schemas['PreferencesView'] }) {
  const [values, setValues] = useState<Values>(view.values);
  const providers = $api.useQuery('get', '/api/v1/providers');
  const save = $api.useMutation('put', '/api/v1/preferences');
  const put = (changes: Partial<Values>) => setValues((before) => ({ ...before, ...changes }));

  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate(
      { body: values },
      {
        onSuccess: () => {
          notifications.show({ message: 'Saved.' });
          void queries.invalidateQueries();
        },
      },
    );
  }

  const { currency } = view;
  return (
    <form onSubmit={submit}>
      <Panel title="What you prefer" padding={0}>
        <div className={classes.setting}>
          <div>
            <div className={classes.title}>Currency</div>
            <div className={classes.small}>
              Amounts are kept, charged and shown here in US dollars. This one is handed to programs with its
              rate.
              {currency.code === 'USD'
                ? ''
                : ` ${currency.usd_per_unit} USD per ${currency.code}, ${currency.as_of}${currency.is_assumed ? ', assumed' : ''}.`}
            </div>
          </div>
          <Select
            aria-label="Currency"
            data={view.known_currencies}
            value={values.display_currency ?? 'USD'}
            onChange={(value) => put({ display_currency: value === 'USD' ? null : value })}
            allowDeselect={false}
            searchable
          />
        </div>
        <div className={classes.setting}>
          <div>
            <div className={classes.title}>Providers</div>
            <div className={classes.small}>Offers begin with these.</div>
          </div>
          <MultiSelect
            aria-label="Providers"
            placeholder={values.providers?.length ? undefined : 'any'}
            data={providers.data?.items.map((each) => ({ value: each.id, label: each.title })) ?? []}
            value={values.providers ?? []}
            onChange={(value) => put({ providers: value.length ? value : null })}
            searchable
            clearable
          />
        </div>
        <div className={classes.setting}>
          <div>
            <div className={classes.title}>Regions</div>
            <div className={classes.small}>Names or patterns, for example eu-*.</div>
          </div>
          <TagsInput
            aria-label="Regions"
            placeholder={values.regions?.length ? undefined : 'any'}
            value={values.regions ?? []}
            onChange={(value) => put({ regions: value.length ? value : null })}
            clearable
          />
        </div>
        <div className={classes.setting}>
          <div>
            <div className={classes.title}>Order of offers</div>
            <div className={classes.small}>By the machine’s price, or by what one GPU costs.</div>
          </div>
          <Select
            aria-label="Order of offers"
            data={SORTS}
            value={values.default_sort ?? 'price'}
            onChange={(value) => put({ default_sort: (value ?? 'price') as Values['default_sort'] })}
            allowDeselect={false}
          />
        </div>
        <div className={classes.setting}>
          <div>
            <div className={classes.title}>First steps</div>
            <div className={classes.small}>The list on the first page, until all of it is done.</div>
          </div>
          <Switch
            aria-label="Show first steps"
            label="Show"
            checked={!values.hides_checklist}
            onChange={(event) => put({ hides_checklist: event.currentTarget.checked ? null : true })}
          />
        </div>
        <div style={{ padding: '0 16px' }}>
          <ProblemAlert error={save.error} />
        </div>
        <div className={classes.foot}>
          <span className={classes.small}>Kept by the server, for you alone.</span>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </div>
      </Panel>
    </form>
  );
}
