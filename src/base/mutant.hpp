#ifndef BGXFER_BASE_MUTANT_HPP
#define BGXFER_BASE_MUTANT_HPP

/// `BGXFER_MUTANT(n)` is true where the simulation asks for the deliberate bug number `n`
/// (tests/simulation/mutants.hpp), to see whether its invariants notice. Everywhere else it is the constant false: no
/// library has any of these bugs.
#ifdef BGXFER_MUTANTS
namespace bgxfer::mutants {
inline int chosen = 0;
}
#define BGXFER_MUTANT(number) (::bgxfer::mutants::chosen == (number))
#else
#define BGXFER_MUTANT(number) false
#endif

#endif
