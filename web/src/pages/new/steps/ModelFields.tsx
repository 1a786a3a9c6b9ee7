import { Autocomplete, SimpleGrid, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { $api, type Schemas } from '@/api/client';
import { useDraft } from '../draft';
import { ORDER } from '../fields/Field';
import { ChoiceField, Remarks, TextField } from '../fields';
import { asText } from '../spec';

const LABELS: Record<string, string> = {
  method: 'Method',
  tokens: 'Tokens',
  samples: 'Samples',
  epochs: 'Epochs',
  batch: 'Batch',
  sequence_length: 'Sequence length',
  image_size: 'Image size',
  precision: 'Precision',
};
const NUMBERS = new Set(['epochs', 'batch', 'sequence_length', 'image_size']);

/** The model whose name is in the draft, once the server knows it. */
export function useModel(): Schemas['ModelView'] | undefined {
  const { get } = useDraft();
  const name = asText(get(['estimate', 'model']));
  const [asked] = useDebouncedValue(name, 250);
  const { data } = $api.useQuery(
    'get',
    '/api/v1/estimates/models',
    { params: { query: { q: asked, limit: 12 } } },
    { placeholderData: keepPreviousData, staleTime: Infinity, enabled: asked !== '' },
  );
  return (
    data?.items.find((model) => model.name === name) ?? (data?.items.length === 1 ? data.items[0] : undefined)
  );
}

/** A model by name, and what its training depends on. */
export function ModelFields() {
  const { get, set, field } = useDraft();
  const name = asText(get(['estimate', 'model']));
  const [asked] = useDebouncedValue(name, 250);
  const { data } = $api.useQuery(
    'get',
    '/api/v1/estimates/models',
    { params: { query: { q: asked, limit: 12 } } },
    { placeholderData: keepPreviousData, staleTime: Infinity },
  );
  const model = useModel();
  const sizes = new Map((data?.items ?? []).map((each) => [each.name, `${each.size} · ${each.kind}`]));
  return (
    <>
      <div>
        <Autocomplete
          label="Model"
          name="estimate.model"
          inputWrapperOrder={ORDER}
          description={data ? `One of ${data.known} that are known by name.` : undefined}
          placeholder={`for example ${field(['estimate', 'model'])?.example ?? ''}`}
          value={name}
          data={(data?.items ?? []).map((each) => each.name)}
          filter={({ options }) => options}
          maxDropdownHeight={300}
          renderOption={({ option }) => (
            <div>
              <Text size="sm">{option.value}</Text>
              <Text size="xs" c="var(--tw-quiet)">
                {sizes.get(option.value)}
              </Text>
            </div>
          )}
          onChange={(value) => set(['estimate', 'model'], value === '' ? undefined : value)}
        />
        {model ? (
          <Text size="sm" c="var(--tw-quiet)" mt={4}>
            {model.kind}, {model.size}; counted in {model.unit}s
          </Text>
        ) : null}
        <Remarks path={['estimate', 'model']} />
      </div>
      {model ? (
        <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }}>
          {model.asks_for.map((key) => {
            const path = ['estimate', key];
            const label = LABELS[key] ?? key;
            return key === 'method' || key === 'precision' ? (
              <ChoiceField
                key={key}
                path={path}
                label={label}
                empty={key === 'method' ? `${model.usual_method} (usual)` : 'bf16 (usual)'}
              />
            ) : (
              <TextField key={key} path={path} label={label} isNumber={NUMBERS.has(key)} />
            );
          })}
        </SimpleGrid>
      ) : null}
    </>
  );
}
