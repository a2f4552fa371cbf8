/** The accounts and the catalogue of `npm run demo`. They are the same in every shop. */

export const adminEmail = "admin@example.com";

/** The names of the customers. Their emails are made of them: Ann Lee is ann.lee@example.com. */
export const customerNames: readonly string[] = [
  "Ann Lee",
  "Ben Okafor",
  "Clara Schmidt",
  "David Nowak",
  "Elena Rossi",
  "Farid Haddad",
  "Grace Kim",
  "Henrik Larsen",
  "Ines Moreau",
  "Jonas Weber",
  "Katya Ivanova",
  "Luis Ortega",
  "Mina Tanaka",
  "Noah Jansen",
  "Olga Kowalska",
  "Priya Sharma",
  "Quentin Dubois",
  "Rosa Silva",
  "Samuel Mensah",
  "Tara Byrne",
];

export function emailOf(name: string): string {
  return `${name.toLowerCase().replaceAll(" ", ".")}@example.com`;
}

export const dayMs = 86_400_000;
/** The orders are spread over these days before the run. */
export const daysOfOrders = 42;

/** Returns a number from 0 to 1. */
export type Random = () => number;

/** Returns a generator that gives the same numbers in every run (mulberry32 by Tommy Ettinger). */
export function seededRandom(): Random {
  let state = 20_261_129;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A kind of product. `price` is that of the cheapest one, in minor units. */
interface Kind {
  name: string;
  about: string;
  materials: readonly string[];
  price: number;
}

const kinds: readonly Kind[] = [
  {
    name: "Mug",
    about: "Holds 350 ml, keeps its shape in the dishwasher, and its handle fits four fingers.",
    materials: ["Clay", "Enamel", "Glass", "Stoneware", "Porcelain", "Steel"],
    price: 790,
  },
  {
    name: "Bowl",
    about: "22 cm wide and deep enough for soup, salad or a small mountain of cherries.",
    materials: ["Bamboo", "Enamel", "Glass", "Stoneware", "Porcelain", "Olive Wood"],
    price: 990,
  },
  {
    name: "Vase",
    about: "28 cm tall, with a narrow neck that keeps a single branch upright.",
    materials: ["Terracotta", "Glass", "Stoneware", "Porcelain", "Brass", "Marble"],
    price: 1_490,
  },
  {
    name: "Notebook",
    about: "A5, 192 pages of 100 g paper that lies flat when it is open.",
    materials: ["Plain", "Lined", "Squared", "Dotted", "Hardcover", "Leather"],
    price: 490,
  },
  {
    name: "Blanket",
    about: "130 by 180 cm, warm in winter and light enough for a summer evening.",
    materials: ["Fleece", "Cotton", "Linen", "Wool", "Alpaca", "Mohair"],
    price: 2_990,
  },
  {
    name: "Kettle",
    about: "1.2 litres, with a handle that stays cool and a spout that does not drip.",
    materials: ["Enamel", "Glass", "Steel", "Ceramic", "Cast Iron", "Copper"],
    price: 3_490,
  },
  {
    name: "Clock",
    about: "30 cm wide, with a movement that nobody hears.",
    materials: ["Pine", "Oak", "Walnut", "Steel", "Brass", "Marble"],
    price: 3_990,
  },
  {
    name: "Lamp",
    about: "45 cm tall, with a cable of 2 m and a warm, even light.",
    materials: ["Paper", "Linen", "Glass", "Steel", "Oak", "Brass"],
    price: 4_490,
  },
  {
    name: "Backpack",
    about: "18 litres, with a padded compartment for a laptop of 15 inches.",
    materials: ["Nylon", "Cotton", "Canvas", "Cork", "Felt", "Leather"],
    price: 5_990,
  },
  {
    name: "Chair",
    about: "Seat at 46 cm. Comes assembled, and carries 130 kg.",
    materials: ["Pine", "Beech", "Rattan", "Oak", "Steel", "Walnut"],
    price: 7_990,
  },
];

const colours = ["White", "Black", "Green", "Blue", "Red"];

/** Returns the products: each kind in all its materials and all colours. */
export function demoProducts() {
  return kinds.flatMap(({ name, about, materials, price }, k) =>
    materials.flatMap((material, m) =>
      colours.map((colour, c) => ({
        name: `${material} ${name}, ${colour}`,
        sku: `${name}-${material}-${colour}`.toUpperCase().replaceAll(" ", "-"),
        description: `${name} in ${colour.toLowerCase()}, ${material.toLowerCase()}. ${about}`,
        price: price + m * 120 + c * 20,
        stock: 20 + ((k * 31 + m * 17 + c * 7) % 180),
      })),
    ),
  );
}
