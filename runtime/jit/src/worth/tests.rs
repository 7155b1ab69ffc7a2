use super::*;

const JUMP: usize = 0x1000;

fn at(cycles: u64) -> Moment {
    Moment { cycles, idle: 0 }
}

/// Triggers until the loop is to be recorded, with batches that take so many cycles.
fn measure(l: &mut Loop, batches: [u64; BATCHES]) {
    let mut now = 1_000;
    assert_eq!(l.triggered(JUMP, at(now)), Next::Count(BATCH));
    for (i, batch) in batches.into_iter().enumerate() {
        now += batch;
        let expected = if i + 1 < BATCHES { Next::Count(BATCH) } else { Next::Record };
        assert_eq!(l.triggered(JUMP, at(now)), expected);
    }
}

#[test]
fn a_loop_is_measured_before_it_is_recorded() {
    let mut l = Loop::default();
    measure(&mut l, [90_000, 3_200, 4_000, 1_000_000]);
    assert_eq!(l.interpreted, 4_000);
    l.compiled(7);
    assert_eq!(l.triggered(JUMP + 8, at(0)), Next::Enter(7));
}

#[test]
fn what_a_thread_waits_is_not_measured() {
    let mut l = Loop::default();
    l.triggered(JUMP, at(0));
    assert_eq!(l.triggered(JUMP, Moment { cycles: 1_000_000, idle: UNDISTURBED }), Next::Count(BATCH));
    assert!(l.batches.is_empty());
    // Rounds of 2500 cycles, of which so many are spent waiting; the interpreter takes 1000.
    let is_left_alone = |waiting: u64| {
        let w = Watch::new(32_000, 0, 10);
        (0..50_000u64).all(|i| {
            w.begin();
            w.ran(i * 2_500, i * 2_500 + 2_000, || i * waiting) == Verdict::GoOn
        })
    };
    assert!(is_left_alone(2_000));
    assert!(!is_left_alone(200));
}

#[test]
fn rounds_of_other_jumps_are_not_measured() {
    let mut l = Loop::default();
    l.triggered(JUMP, at(0));
    assert_eq!(l.triggered(JUMP + 8, at(100)), Next::Later);
    assert!(l.batches.is_empty());
}

#[test]
fn a_loop_that_is_tried_in_vain_is_passed_over() {
    let mut l = Loop::default();
    measure(&mut l, [1; BATCHES]);
    for _ in 0..LUCKLESS {
        l.bad_luck();
        assert_eq!(l.triggered(JUMP, at(0)), Next::Record);
    }
    l.bad_luck();
    assert_eq!([l.triggered(JUMP, at(0)), l.triggered(JUMP, at(0)), l.triggered(JUMP, at(0))], [Next::Later, Next::Later, Next::Record]);
}

#[test]
fn code_rests_when_it_is_slower_than_the_interpreter_and_comes_back() {
    // A round takes 1000 cycles in the interpreter.
    let w = Watch::new(32_000, 0, 10);
    let mut now = 0;
    let mut run = |w: &Watch, inside: u64| {
        now += 500;
        let start = now;
        now += inside;
        !w.begin() || !matches!(w.ran(start, now, || 0), Verdict::Rest(_))
    };
    assert!((0..50_000).all(|_| run(&w, 400)), "900 cycles a round are less");
    assert!(!(0..100_000).all(|_| run(&w, 600)), "1100 are more");
    let mut l = Loop { executor: Some(3), phase: Phase::Entered, ..Loop::default() };
    assert_eq!(l.rest(JUMP, at(0), 1_000), BATCH);
    for i in 1..BATCHES as u64 {
        assert_eq!(l.triggered(JUMP, at(i * 31_000)), Next::Count(BATCH));
    }
    assert_eq!(l.triggered(JUMP, at(124_000)), Next::Count(ROUNDS_OF_REST));
    assert_eq!(l.interpreted, 31_000);
    assert_eq!(l.triggered(JUMP, at(REST)), Next::Enter(3));
    l.rest(JUMP, at(0), 1_000);
    assert_eq!(l.phase, Phase::Resting(REST * 2));
}

#[test]
fn the_interpreter_is_measured_again_where_it_is_nearly_as_fast() {
    // A round was measured while it took 1000 cycles, but takes 600 by now.
    let w = Watch::new(32_000, 0, 10);
    let run = |i: u64| if w.begin() { w.ran(i * 900, i * 900 + 900, || 0) } else { Verdict::GoOn };
    let first = (0..50_000).find(|i| run(*i) == Verdict::Compare).expect("it is close");
    let mut l = Loop { executor: Some(3), phase: Phase::Entered, ..Loop::default() };
    assert_eq!(l.measure_again(JUMP, at(0)), BATCH);
    for i in 1..BATCHES as u64 {
        assert_eq!(l.triggered(JUMP, at(i * 19_200)), Next::Count(BATCH));
    }
    assert_eq!(l.triggered(JUMP, at(BATCHES as u64 * 19_200)), Next::Enter(3));
    w.compare_with(l.interpreted);
    assert!((first..first + 50_000).any(|i| matches!(run(i + 1), Verdict::Rest(_))));
}

#[test]
fn code_that_is_hardly_entered_before_it_is_left_rests() {
    let windows = |overhead: u64, inside: u64| {
        let w = Watch::new(320_000, 0, 10);
        (0..200_000).any(|i: u64| {
            let is_measured = w.begin();
            w.rounds.set(w.rounds.get() + 3);
            w.cost(overhead, 30);
            is_measured && matches!(w.ran(i * 10_000, i * 10_000 + inside, || 0), Verdict::Rest(_))
        })
    };
    // Three rounds of ten instructions.
    assert!(windows(130, 2_000));
    assert!(!windows(110, 500));
    assert!(!windows(130, 2_100));
}

#[test]
fn a_loop_whose_code_dies_is_not_recorded_at_once_for_ever() {
    let mut l = Loop { phase: Phase::Hot, ..Loop::default() };
    for _ in 0..LUCKLESS {
        l.compiled(1);
        l.died();
        assert_eq!(l.triggered(JUMP, at(0)), Next::Record);
    }
    l.compiled(1);
    l.died();
    assert_eq!([Next::Later, Next::Later, Next::Record], [(); 3].map(|()| l.triggered(JUMP, at(0))));
    l.compiled(1);
    l.rest(JUMP, at(0), 1_000);
    l.lost();
    assert!(matches!(l.triggered(JUMP, at(1)), Next::Count(_)));
}

#[test]
fn code_that_is_worth_it_is_measured_seldom() {
    let w = Watch::new(320_000, 0, 10);
    let mut measured = 0;
    for i in 0..1_000_000u64 {
        if w.begin() {
            measured += 1;
            assert_eq!(w.ran(i * 1_000, i * 1_000 + 400, || 0), Verdict::GoOn);
        }
    }
    assert!((10_000..100_000).contains(&measured), "{measured}");
}

#[test]
fn what_goes_on_elsewhere_between_two_rounds_does_not_count() {
    let w = Watch::new(32_000, 0, 10);
    let all_good = (0..10_000u64).all(|i| {
        // Ten rounds are counted by the code itself, then something else takes its time.
        let is_measured = w.begin();
        w.rounds.set(w.rounds.get() + 10);
        !is_measured || !matches!(w.ran(i * 1_000_000, i * 1_000_000 + 4_000, || 0), Verdict::Rest(_))
    });
    assert!(all_good);
}

#[test]
fn a_loop_rests_for_longer_than_it_was_slow() {
    // One entry, in which a hundred rounds take twice as long as they should.
    let w = Watch::new(32 * 100_000, 0, 10);
    assert!(w.begin());
    w.rounds.set(100);
    assert_eq!(w.ran(0, 20_000_000, || 0), Verdict::GoOn);
    assert!(w.begin());
    w.rounds.set(200);
    assert_eq!(w.ran(20_000_000, 40_000_000, || 0), Verdict::Rest(20_000_000));
    let mut l = Loop { executor: Some(3), phase: Phase::Entered, ..Loop::default() };
    l.rest(JUMP, at(0), 20_000_000);
    assert_eq!(l.phase, Phase::Resting(20_000_000 * REST_AT_LEAST));
}
