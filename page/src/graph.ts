/** The drawing of kept triples; a file of its own, loaded when there is a graph to show. */

import cytoscape, { type Core, type StylesheetJson } from 'cytoscape';
import type { Named } from './types';

export interface Drawing {
  fit: () => void;
  zoom: (factor: number) => void;
  destroy: () => void;
}

/** @param triples Their places are those that `point` is told of. */
export function draw(box: HTMLElement, triples: { triple: Named; place: number }[], point: (place: number | null) => void): Drawing {
  const nodes = [...new Set(triples.flatMap(({ triple }) => [triple[0], triple[2]]))];
  const elements = [
    ...nodes.map((name, index) => ({ data: { id: `n${index}`, label: shortened(name) } })),
    ...triples.map(({ triple: [subject, predicate, object], place }) => ({
      data: {
        id: `e${place}`,
        source: `n${nodes.indexOf(subject)}`,
        target: `n${nodes.indexOf(object)}`,
        label: shortened(predicate),
        place,
      },
    })),
  ];
  const cy = cytoscape({ container: box, elements, style: colours(box), minZoom: 0.2, maxZoom: 3, userZoomingEnabled: false });
  cy.layout({
    name: 'cose',
    animate: false,
    padding: 30,
    nodeDimensionsIncludeLabels: true,
    nodeRepulsion: () => 20_000,
    idealEdgeLength: () => 80,
    componentSpacing: 60,
  }).run();
  cy.on('mouseover tap', 'edge', (event) => point((event.target as { data: (key: string) => number }).data('place')));
  cy.on('mouseout', 'edge', () => point(null));
  return { fit: () => cy.fit(undefined, 30), zoom: (factor) => zoom(cy, factor), destroy: listen(cy, box) };
}

const MOST = 24;
const shortened = (text: string): string => (text.length > MOST ? `${text.slice(0, MOST)}…` : text);

function zoom(cy: Core, factor: number): void {
  cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
}

/** Follow the colours of the system and the size of the box until the drawing is given up. */
function listen(cy: Core, box: HTMLElement): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const repaint = () => void cy.style(colours(box));
  dark.addEventListener('change', repaint);
  const sizes = new ResizeObserver(() => {
    cy.resize();
    cy.fit(undefined, 30);
  });
  sizes.observe(box);
  return () => {
    dark.removeEventListener('change', repaint);
    sizes.disconnect();
    cy.destroy();
  };
}

function colours(box: HTMLElement): StylesheetJson {
  const of = (name: string): string => getComputedStyle(box).getPropertyValue(name).trim();
  const font = { 'font-family': getComputedStyle(box).fontFamily, color: of('--ink') };
  return [
    {
      selector: 'node',
      style: {
        ...font,
        label: 'data(label)',
        'font-size': 15,
        'text-wrap': 'wrap',
        'text-max-width': '110px',
        'text-valign': 'bottom',
        'text-margin-y': 4,
        'text-background-color': of('--page'),
        'text-background-opacity': 0.85,
        width: 16,
        height: 16,
        'background-color': of('--accent'),
      },
    },
    {
      selector: 'edge',
      style: {
        ...font,
        label: 'data(label)',
        'font-size': 13,
        'text-background-color': of('--page'),
        'text-background-opacity': 1,
        'text-background-padding': '2px',
        'curve-style': 'bezier',
        'target-arrow-shape': 'triangle',
        'line-color': of('--line-strong'),
        'target-arrow-color': of('--line-strong'),
        width: 1.5,
      },
    },
  ];
}
