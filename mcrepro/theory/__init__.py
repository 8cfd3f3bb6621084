"""What the papers prove, as functions: bounds, identities, optimality conditions, counterexamples."""
