import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { IconListDetails, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { $api } from '@/api/client';
import { places } from '@/routes';

/** Goes to a page or a job by a few letters of its name. */
export function Search() {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [asked] = useDebouncedValue(text.trim(), 150);
  const jobs = $api.useQuery(
    'get',
    '/api/v1/jobs',
    { params: { query: { name: asked, limit: 8 } } },
    { enabled: asked.length > 1 },
  );
  const actions: SpotlightActionData[] = places.flat().map((place) => ({
    id: place.path,
    label: place.label,
    description: `g ${place.key}`,
    onClick: () => void navigate(place.path),
    leftSection: <place.icon size={18} stroke={1.7} aria-hidden />,
  }));
  const found = (jobs.data?.items ?? []).map((job) => ({
    id: job.id,
    label: job.name,
    description: `${job.status} · ${job.id}`,
    // What the server found, it found by more than the letters that are shown.
    keywords: [asked],
    onClick: () => void navigate(`/jobs/${job.id}`),
    leftSection: <IconListDetails size={18} stroke={1.7} aria-hidden />,
  }));
  return (
    <Spotlight
      actions={[...actions, ...found]}
      query={text}
      onQueryChange={setText}
      nothingFound="Nothing by this name"
      highlightQuery
      shortcut={['mod + K', '/']}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'Search jobs and pages',
        'aria-label': 'Search jobs and pages',
      }}
    />
  );
}
