"""The threads that share a kernel's loops, and the region in which they do: LLVM's instructions, built once a process.

``gluonmark_region(function, frame, shares, wake)`` calls ``function(frame, share, shares)`` for each share once.  The
caller takes shares like every worker, so that a worker which comes late costs no more than its help: no call waits for
a thread to wake up.  Alone, ``function(frame, 0, 1)``, run a second caller, a share that opens a region itself, and one
that is not worth waking anybody for and comes when all are asleep; but the next such region soon after it wakes them.

libgomp's own threads, which MXNet loads, spin for 8 ms where there are as many processors as threads, and sleep at once
where MXNet's engine has used OpenMP as well, since then there are more: a region took 2 µs or 35.  These spin for
a little while, and then sleep.

Linux often wakes a thread where the one is that calls it, though another processor has nothing to do: it would spin
there while the caller waits.  So a worker that finds itself beside the caller goes elsewhere, and does not come back.
"""

import ctypes
import functools
import platform
import signal
import threading

import llvmlite.binding as llvm

MOST_WORKERS = 63
PATIENCE = 200_000  # nanoseconds that a thread spins for: what MXNet takes between forward and backward, and more

# Tells the processor that a loop only waits.
RELAX = {"x86_64": "pause", "aarch64": "yield"}

MOST_PROCESSORS = 1024  # that a set of the C library has
NAMES = {
    "MOST_WORKERS": MOST_WORKERS,
    "PATIENCE": PATIENCE,
    "RELAX": RELAX.get(platform.machine(), ""),
    "PROCESSORS": MOST_PROCESSORS,
    "MASK_BYTES": MOST_PROCESSORS // 8,
    "MASK_WORDS": MOST_PROCESSORS // 64,
}

# ``word`` says at once which region it is (32 bits), how many shares it has (16) and which is the next to be taken
# (16).  A share is taken by exchanging the word for the next one.  Where that succeeds there was a share left, so the
# region has not ended, and ``function`` and ``frame``, read in between, are this region's.
SOURCE = """
%timespec = type { i64, i64 }
%seat = type { i64, [64 x i8], [64 x i8] }           ; of a worker: whether it sleeps, and its semaphore

@word = internal global i64 0, align 64
@done = internal global i64 0, align 64              ; shares of this region
@busy = internal global i64 0, align 64              ; whether there is a region
@ended = internal global i64 0, align 8              ; when the last one did
@place = internal global i32 -1, align 4             ; the processor of whoever opened it
@function = internal global ptr null
@frame = internal global ptr null
@workers = internal global i64 0
@seats = internal global [MOST_WORKERS x %seat] zeroinitializer, align 64

declare i32 @sem_init(ptr, i32, i32)
declare i32 @sem_post(ptr)
declare i32 @sem_wait(ptr)
declare i32 @sched_yield()
declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @sched_setaffinity(i32, i64, ptr)
declare i32 @getpid()
declare i32 @clock_gettime(i32, ptr)

define internal i64 @now() {
  %time = alloca %timespec
  call i32 @clock_gettime(i32 1, ptr %time)          ; CLOCK_MONOTONIC
  %seconds = load i64, ptr %time
  %nanoseconds_at = getelementptr %timespec, ptr %time, i32 0, i32 1
  %nanoseconds = load i64, ptr %nanoseconds_at
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %nanoseconds
  ret i64 %sum
}

define internal i1 @any_left(i64 %seen) {
  %next = and i64 %seen, 65535
  %shifted = lshr i64 %seen, 16
  %shares = and i64 %shifted, 65535
  %left = icmp ult i64 %next, %shares
  ret i1 %left
}

define internal void @work() {                       ; take shares until none is left
  br label %look
look:
  %seen = load atomic i64, ptr @word acquire, align 8
  %left = call i1 @any_left(i64 %seen)
  br i1 %left, label %take, label %none
take:
  %function = load atomic ptr, ptr @function acquire, align 8
  %frame = load atomic ptr, ptr @frame acquire, align 8
  %following = add i64 %seen, 1
  %exchange = cmpxchg ptr @word, i64 %seen, i64 %following seq_cst seq_cst
  %taken = extractvalue { i64, i1 } %exchange, 1
  br i1 %taken, label %run, label %look
run:
  %share = and i64 %seen, 65535
  %shifted = lshr i64 %seen, 16
  %shares = and i64 %shifted, 65535
  call void %function(ptr %frame, i64 %share, i64 %shares)
  atomicrmw add ptr @done, i64 1 release
  br label %look
none:
  ret void
}

define internal void @make_room() {                  ; go to another processor than the caller's, if there is one
  %here = call i32 @sched_getcpu()
  %there = load atomic i32, ptr @place acquire, align 4
  %beside = icmp eq i32 %here, %there
  %known = icmp ult i32 %here, PROCESSORS
  %move = and i1 %beside, %known
  br i1 %move, label %ask, label %end
ask:
  %mask = alloca [MASK_WORDS x i64], align 8
  %process = call i32 @getpid()
  %status = call i32 @sched_getaffinity(i32 %process, i64 MASK_BYTES, ptr %mask)
  %number = zext i32 %here to i64
  %word_number = lshr i64 %number, 6
  %bit_number = and i64 %number, 63
  %word_at = getelementptr i64, ptr %mask, i64 %word_number
  %allowed = load i64, ptr %word_at
  %bit = shl i64 1, %bit_number
  %others = xor i64 %bit, -1
  %left = and i64 %allowed, %others
  store i64 %left, ptr %word_at
  %answered = icmp sge i32 %status, 0
  br i1 %answered, label %go, label %end
go:
  %refused = call i32 @sched_setaffinity(i32 0, i64 MASK_BYTES, ptr %mask)
  %moved = icmp eq i32 %refused, 0
  br i1 %moved, label %end, label %stay
stay:                                                ; there is no other
  %yielded = call i32 @sched_yield()
  br label %end
end:
  ret void
}

define void @gluonmark_worker(i64 %number) {         ; for ever
  %seat = getelementptr [MOST_WORKERS x %seat], ptr @seats, i64 0, i64 %number
  %semaphore = getelementptr %seat, ptr %seat, i32 0, i32 2
  call i32 @sem_init(ptr %semaphore, i32 0, i32 0)
  atomicrmw add ptr @workers, i64 1 seq_cst
  br label %help
help:
  call void @work()
  %began = call i64 @now()
  br label %watch
watch:
  %turn = phi i64 [ 0, %help ], [ %next_turn, %rest ], [ 0, %ask ]
  %seen = load atomic i64, ptr @word acquire, align 8
  %left = call i1 @any_left(i64 %seen)
  br i1 %left, label %help, label %rest
rest:
  call void asm sideeffect "RELAX", ""()
  %next_turn = add i64 %turn, 1
  %many = icmp eq i64 %next_turn, 32
  br i1 %many, label %ask, label %watch
ask:                                                 ; now and then
  call void @make_room()
  %time = call i64 @now()
  %waited = sub i64 %time, %began
  %patient = icmp slt i64 %waited, PATIENCE
  br i1 %patient, label %watch, label %doze
doze:                                                ; a caller sees this, or this thread sees its region, or both
  store atomic i64 1, ptr %seat seq_cst, align 8
  %last = load atomic i64, ptr @word seq_cst, align 8
  %come = call i1 @any_left(i64 %last)
  br i1 %come, label %up, label %sleep
up:
  %still = atomicrmw xchg ptr %seat, i64 0 seq_cst
  %unseen = icmp eq i64 %still, 1
  br i1 %unseen, label %help, label %sleep           ; who was seen is also called, and must hear it
sleep:
  %status = call i32 @sem_wait(ptr %semaphore)
  %woken = icmp eq i32 %status, 0
  br i1 %woken, label %arrive, label %sleep          ; a signal ends the wait too
arrive:                                              ; woken up, and often where the caller is
  call void @make_room()
  br label %help
}

define internal void @wake(i64 %most) {              ; so many of the workers that sleep
entry:
  %workers = load atomic i64, ptr @workers acquire, align 8
  br label %each
each:
  %number = phi i64 [ 0, %entry ], [ %following, %next ]
  %woken = phi i64 [ 0, %entry ], [ %sum, %next ]
  %more = icmp ult i64 %number, %workers
  %wanted = icmp ult i64 %woken, %most
  %go = and i1 %more, %wanted
  br i1 %go, label %look, label %end
look:
  %seat = getelementptr [MOST_WORKERS x %seat], ptr @seats, i64 0, i64 %number
  %slept = atomicrmw xchg ptr %seat, i64 0 seq_cst
  %asleep = icmp eq i64 %slept, 1
  br i1 %asleep, label %call, label %next
call:
  %semaphore = getelementptr %seat, ptr %seat, i32 0, i32 2
  call i32 @sem_post(ptr %semaphore)
  br label %next
next:
  %sum = add i64 %woken, 1                           ; one that is awake comes by itself
  %following = add i64 %number, 1
  br label %each
end:
  ret void
}

define void @gluonmark_region(ptr %function, ptr %frame, i64 %shares, i1 %wake) {
  %exchange = cmpxchg ptr @busy, i64 0, i64 1 seq_cst seq_cst
  %ours = extractvalue { i64, i1 } %exchange, 1
  br i1 %ours, label %ask, label %occupied
occupied:
  call void %function(ptr %frame, i64 0, i64 1)
  ret void
ask:
  %came = call i64 @now()
  %former_end = load i64, ptr @ended
  %gap = sub i64 %came, %former_end
  %soon = icmp slt i64 %gap, PATIENCE
  %together = or i1 %soon, %wake
  br i1 %together, label %open, label %alone
alone:
  call void %function(ptr %frame, i64 0, i64 1)
  br label %end
open:
  %here = call i32 @sched_getcpu()
  store atomic i32 %here, ptr @place release, align 4
  store atomic ptr %function, ptr @function release, align 8
  store atomic ptr %frame, ptr @frame release, align 8
  store atomic i64 0, ptr @done release, align 8
  %former = load atomic i64, ptr @word monotonic, align 8
  %region = lshr i64 %former, 32
  %following = add i64 %region, 1
  %named = shl i64 %following, 32
  %many = shl i64 %shares, 16
  %fresh = or i64 %named, %many
  %previous = atomicrmw xchg ptr @word, i64 %fresh seq_cst
  %others = sub i64 %shares, 1
  call void @wake(i64 %others)
  call void @work()
  %began = call i64 @now()
  br label %watch
watch:
  %finished = load atomic i64, ptr @done acquire, align 8
  %all = icmp eq i64 %finished, %shares
  br i1 %all, label %end, label %rest
rest:
  call void asm sideeffect "RELAX", ""()
  %time = call i64 @now()
  %waited = sub i64 %time, %began
  %patient = icmp slt i64 %waited, PATIENCE
  br i1 %patient, label %watch, label %yield
yield:                                               ; whoever has the last share may need this processor
  call i32 @sched_yield()
  br label %watch
end:
  %over = call i64 @now()
  store i64 %over, ptr @ended
  store atomic i64 0, ptr @busy seq_cst, align 8
  ret void
}

define void @gluonmark_dismiss() {                   ; in a child, which has no workers: nor is a region open
  store atomic i64 0, ptr @workers seq_cst, align 8
  store atomic i64 0, ptr @busy seq_cst, align 8
  ret void
}
"""


@functools.cache
def _engine() -> llvm.ExecutionEngine:
    """What holds the compiled code, for as long as the process lives."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # for RELAX
    source = SOURCE
    for name, value in NAMES.items():
        source = source.replace(name, str(value))
    module = llvm.parse_assembly(source)
    module.verify()
    engine = llvm.create_mcjit_compiler(
        module, llvm.Target.from_default_triple().create_target_machine(opt=2, jit=True)
    )
    engine.finalize_object()
    llvm.add_symbol("gluonmark_region", engine.get_function_address("gluonmark_region"))
    return engine


def hire(workers: int) -> None:
    """Start so many threads, if there is room.  They hold no lock of Python's and end with the process."""
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64)(_engine().get_function_address("gluonmark_worker"))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # signals are for the person's threads
    try:
        for number in range(min(workers, MOST_WORKERS)):
            threading.Thread(target=run, args=(number,), name=f"gluonmark worker {number}", daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def dismiss() -> None:
    """Forget all threads, in a child of a process that had some: they exist in the parent only."""
    ctypes.CFUNCTYPE(None)(_engine().get_function_address("gluonmark_dismiss"))()
