//! Random runs of the whole legacy core against a model that was written apart from it.
//!
//! A seed makes a world: a registry with limits that are reached at once, sessions of several
//! revisions and principals, handlers, connections, and the clock. Random actions follow (post,
//! say, answer, cancel, read, cut, resume, take over, notify, sweep, delete), and then quiet, in
//! which every client comes back for what it lacks. The model ([`model`], [`stream`]) knows what
//! each may and must see, and judges every step.
//!
//! A failure prints its seed and the end of its trace; `SIMULATION_SEED=n cargo test --lib
//! simulation` runs that seed alone and prints the whole trace. `SIMULATION_SEEDS=n` runs the
//! seeds 1 to n, `SIMULATION_SEEDS=m..n` those from m to n; 2,000 by default.

mod counts;
mod model;
mod quiet;
mod random;
mod stream;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use counts::Counts;
use world::World;

/// How many lines of a trace a failure shows.
const TAIL: usize = 60;

#[derive(Clone, Copy)]
enum Action {
    Open,
    Initialized,
    Intrude,
    Delete,
    Post,
    Adopt,
    Commit,
    Say,
    Answer,
    Abandon,
    Cancel,
    Notify,
    Announce,
    Update,
    Subscribe,
    Poll,
    Cut,
    Get,
    Resume,
    Sweep,
    Close,
    Relieve,
}

const ACTIONS: &[(usize, Action)] = &[
    (3, Action::Open),
    (2, Action::Initialized),
    (1, Action::Intrude),
    (1, Action::Delete),
    (10, Action::Post),
    (1, Action::Adopt),
    (2, Action::Commit),
    (26, Action::Say),
    (8, Action::Answer),
    (2, Action::Abandon),
    (3, Action::Cancel),
    (8, Action::Notify),
    (4, Action::Announce),
    (4, Action::Update),
    (3, Action::Subscribe),
    (22, Action::Poll),
    (8, Action::Cut),
    (4, Action::Get),
    (12, Action::Resume),
    (6, Action::Sweep),
    (3, Action::Close),
    (4, Action::Relieve),
];

/// Decisions 4 to 10 and 17.
#[test]
fn whatever_happens_each_client_is_given_what_the_model_says() {
    if let Some(seed) = variable("SIMULATION_SEED") {
        let seed = seed.parse().expect("SIMULATION_SEED is a number");
        let mut trace = Vec::new();
        let failed = traced(seed, &mut trace);
        println!("{}", trace.join("\n"));
        assert!(!failed, "seed {seed} fails");
        return;
    }
    let seeds = variable("SIMULATION_SEEDS").unwrap_or_else(|| "2000".into());
    let (first, last) = seeds.split_once("..").unwrap_or(("1", &seeds));
    let number = |text: &str| text.parse::<u64>().expect("SIMULATION_SEEDS is n, or m..n");
    let (first, last) = (number(first), number(last));
    let mut counts = Counts::default();
    for seed in first..=last {
        match catch_unwind(AssertUnwindSafe(|| run(seed, None).counts)) {
            Ok(of_seed) => counts.add(&of_seed),
            Err(_) => fail(seed),
        }
    }
    println!("seeds {first} to {last}");
    for (name, count) in counts.each() {
        println!("{count:>12} {name}");
        // What it never comes across it does not test.
        assert!(count > 0 || last - first < 1_000, "no {name}");
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Says which seed failed, and what it did last.
fn fail(seed: u64) -> ! {
    let mut trace = Vec::new();
    traced(seed, &mut trace);
    let tail = &trace[trace.len().saturating_sub(TAIL)..];
    panic!("SIMULATION_SEED={seed} fails; the end of its trace:\n{}", tail.join("\n"));
}

/// Runs a seed and keeps its trace. Says whether it failed.
fn traced(seed: u64, trace: &mut Vec<String>) -> bool {
    let kept = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let shared = std::rc::Rc::clone(&kept);
    let failed = catch_unwind(AssertUnwindSafe(|| run(seed, Some(shared)))).is_err();
    trace.append(&mut kept.borrow_mut());
    failed
}

fn run(seed: u64, trace: Option<world::Trace>) -> World {
    let mut world = World::new(seed, trace);
    world.step(World::open);
    for _ in 0..world.random.between(10, 120) {
        let action = world.random.weighted(ACTIONS);
        world.step(|world| act(world, action));
        world.counts.actions += 1;
    }
    if world.random.once_in(8) {
        world.step(World::shut_down);
    }
    world.quiesce();
    world
}

fn act(world: &mut World, action: Action) {
    let peers = world.peers.len();
    if peers == 0 {
        return world.open();
    }
    let peer = world.random.below(peers);
    match action {
        Action::Open => world.open(),
        Action::Initialized => world.initialized(peer),
        Action::Intrude => world.intrude(peer),
        Action::Delete => world.delete(peer),
        Action::Post => world.post(peer),
        Action::Adopt => world.adopt(peer),
        Action::Commit => {
            let all: Vec<_> = (0..world.work.len()).collect();
            world.commit(peer, &all);
        }
        Action::Cancel => world.cancel(peer),
        Action::Notify => world.notify(peer),
        Action::Announce => world.announce(peer),
        Action::Update => world.update(peer),
        Action::Subscribe => world.subscribe(peer),
        Action::Get => world.get(peer),
        Action::Resume => world.resume_somewhere(peer),
        Action::Sweep => {
            let millis = world.random.weighted(&[
                (8, 10_000),
                (2, 10_001),
                (2, 4_000),
                (1, 0),
                (1, 3_600_000),
            ]);
            world.sweep(Duration::from_millis(millis));
        }
        Action::Relieve => world.relieve(),
        Action::Say | Action::Answer | Action::Abandon | Action::Close => {
            let Some(at) = one_of(world, |world| world.work.len()) else { return };
            match action {
                Action::Answer => world.answer(at),
                Action::Close => world.close_reader(at),
                Action::Abandon => world.abandon(at),
                _ => world.say(at),
            }
        }
        Action::Poll | Action::Cut => {
            let Some(at) = one_of(world, |world| world.seats.len()) else { return };
            match action {
                Action::Poll => {
                    let times = world.random.between(1, 8);
                    world.poll(at, times);
                }
                _ => world.cut(at),
            }
        }
    }
}

/// One of so many, of the later ones rather than of the earlier.
fn one_of(world: &mut World, count: impl FnOnce(&World) -> usize) -> Option<usize> {
    let count = count(world);
    let from = if world.random.once_in(3) { 0 } else { count.saturating_sub(4) };
    (count > 0).then(|| world.random.between(from, count - 1))
}
