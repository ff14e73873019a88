package jinja

// node is a statement or an expression; line is where it stands.
type (
	expr interface{}
	stmt interface{}

	literal  struct{ value any }
	nameRef  struct{ name string }
	listExpr struct{ items []expr }
	tupExpr  struct{ items []expr }
	dictExpr struct{ keys, values []expr }
	unary    struct {
		op   string
		x    expr
		line int
	}
	binary struct {
		op   string
		a, b expr
		line int
	}
	compareExpr struct {
		first expr
		ops   []string
		rest  []expr
		line  int
	}
	inline struct{ cond, then, otherwise expr } // otherwise nil: undefined
	attr   struct {
		x    expr
		name string
		line int
	}
	index struct {
		x, key expr
		line   int
	}
	slice struct {
		x, from, to, step expr
		line              int
	}
	call struct {
		f    expr
		args arguments
		line int
	}
	filter struct {
		x    expr // nil: the block's text
		name string
		args arguments
		line int
	}
	test struct {
		x    expr
		name string
		args arguments
		line int
	}
	arguments struct {
		list  []expr
		names []string
		named []expr
	}

	textStmt  struct{ text string }
	printStmt struct {
		x    expr
		line int
	}
	ifStmt struct {
		conds []expr
		then  [][]stmt // one more than conds: with else
	}
	forStmt struct {
		names     []string
		over      expr
		cond      expr // nil: all items
		body      []stmt
		otherwise []stmt
		line      int
	}
	setStmt struct {
		targets []target
		x       expr
		line    int
	}
	setBlock struct {
		to      target
		filters []filter
		body    []stmt
		line    int
	}
	macroStmt struct {
		name     string
		params   []string
		defaults []expr // of the last parameters
		body     []stmt
		line     int
	}
	callBlock struct {
		macro macroStmt // the body as a nameless macro
		call  *call
		line  int
	}
	filterBlock struct {
		filters []filter
		body    []stmt
		line    int
	}
	scopeStmt struct { // with, generation
		names  []string
		values []expr
		body   []stmt
		scoped bool
	}
	breakStmt    struct{}
	continueStmt struct{}

	// target is what is set: a name, or a field of a namespace.
	target struct{ name, field string }
)
