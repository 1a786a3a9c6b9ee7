import { OffersExplorer } from '@/components/offers/OffersExplorer';
import { PageHeader } from '@/components/PageHeader';

export default function Offers() {
  return (
    <>
      <PageHeader
        title="Offers"
        about="What can be had, where, at what price: clouds, spot markets, and machines of your own."
      />
      <OffersExplorer />
    </>
  );
}
