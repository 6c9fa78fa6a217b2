namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Common
open FunctionalNet.Datasets

/// What a column holds: texts, or a tensor (rows,).
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type internal Cells =
    | Texts of string[]
    | Numbers of Tensor

/// <summary>A column of a table: a text or a number per row, or the single value of one row. Arrays, tensors and single values become
/// columns by themselves in C#; F# says <c>Column.Of</c>. Immutable.</summary>
/// <example><code>
/// Column ages = new[] { 63, 41 };
/// Column cities = new[] { "Paris", "Rome" };
/// </code></example>
[<Sealed>]
type Column internal (cells: Cells, isValue: bool) =

    static let ofTexts (texts: string[]) (isValue: bool) : Column =
        match texts |> Array.tryFindIndex (fun text -> isNull (box text)) with
        | None -> Column(Cells.Texts texts, isValue)
        | Some row ->
            raise (
                DataException(
                    "A text of a column is missing.",
                    "Column",
                    "texts",
                    "null in row " + string row,
                    "Put an empty text in its place, or leave the row out.",
                    -1,
                    int64 row
                )
            )

    static let ofNumbers (numbers: Tensor) : Column =
        let rows =
            match numbers.Rank with
            | 0 -> 1
            | 1 -> numbers.Shape[0]
            | 2 when numbers.Shape[1] = 1 -> numbers.Shape[0]
            | _ ->
                raise (
                    ShapeException(
                        "A tensor of several numbers per row is no column.",
                        "Column",
                        "(rows,), (rows, 1), or a single number",
                        numbers.Shape.ToString(),
                        "Give every number of a row a column of its own."
                    )
                )

        Column(Cells.Numbers(numbers.Reshape(Shape.Of rows)), numbers.Rank = 0)

    member internal _.Cells = cells

    /// <summary>True if it holds texts.</summary>
    member _.IsText =
        match cells with
        | Cells.Texts _ -> true
        | Cells.Numbers _ -> false

    /// <summary>True if it is the value of a single row, without an axis of rows.</summary>
    member _.IsValue = isValue

    /// <summary>Number of rows; 1 for a single value.</summary>
    member _.RowCount =
        match cells with
        | Cells.Texts texts -> texts.Length
        | Cells.Numbers numbers -> numbers.Shape[0]

    /// What it holds, for errors.
    member internal _.Kind =
        match cells with
        | Cells.Texts _ -> "texts"
        | Cells.Numbers numbers -> DType.name numbers.DType

    /// <summary>The texts.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">It holds numbers.</exception>
    member this.Texts: IReadOnlyList<string> =
        match cells with
        | Cells.Texts texts -> texts
        | Cells.Numbers _ ->
            raise (DTypeException("A column holds no texts.", "Column", "texts", this.Kind, "Read Numbers.", null))

    /// <summary>The numbers, (rows,), or () for a single value.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">It holds texts.</exception>
    member this.Numbers: Tensor =
        match cells with
        | Cells.Numbers numbers -> if isValue then numbers.Reshape Shape.Scalar else numbers
        | Cells.Texts _ ->
            raise (DTypeException("A column holds no numbers.", "Column", "numbers", "texts", "Read Texts.", null))

    /// The rows of these places, in their order.
    member internal _.Take(rows: int[], isValue: bool) : Column =
        match cells with
        | Cells.Texts texts -> Column(Cells.Texts(rows |> Array.map (fun row -> texts[row])), isValue)
        | Cells.Numbers numbers ->
            let isRange = rows |> Array.indexed |> Array.forall (fun (i, row) -> row = rows[0] + i)

            let taken =
                if isRange && rows.Length > 0 then
                    numbers.Rows(rows[0], rows.Length)
                else
                    Stacking.stack "Table" 0 (rows |> Array.map (Stacking.row numbers))

            Column(Cells.Numbers taken, isValue)

    /// <summary>A column of texts; they are copied.</summary>
    /// <exception cref="T:FunctionalNet.DataException">One is null.</exception>
    static member Of(texts: string[]) : Column = ofTexts (Array.copy texts) false

    /// <summary>A column of numbers, (rows,) or (rows, 1), or the value of a single row.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">There are several numbers per row.</exception>
    static member Of(numbers: Tensor) : Column = ofNumbers numbers

    /// <summary>A column of whole numbers.</summary>
    static member Of(numbers: int[]) : Column = ofNumbers (Tensor.OfArray numbers)

    /// <summary>A column of whole numbers.</summary>
    static member Of(numbers: int64[]) : Column = ofNumbers (Tensor.OfArray numbers)

    /// <summary>A column of numbers.</summary>
    static member Of(numbers: float32[]) : Column = ofNumbers (Tensor.OfArray numbers)

    /// <summary>A column of numbers.</summary>
    static member Of(numbers: float[]) : Column = ofNumbers (Tensor.OfArray numbers)

    /// <summary>The text of a single row.</summary>
    /// <exception cref="T:FunctionalNet.DataException">It is null.</exception>
    static member Of(text: string) : Column = ofTexts [| text |] true

    /// <summary>The whole number of a single row.</summary>
    static member Of(number: int) : Column = ofNumbers (Tensor.Scalar number)

    /// <summary>The whole number of a single row.</summary>
    static member Of(number: int64) : Column = ofNumbers (Tensor.Scalar number)

    /// <summary>The number of a single row.</summary>
    static member Of(number: float32) : Column = ofNumbers (Tensor.Scalar number)

    /// <summary>The number of a single row.</summary>
    static member Of(number: float) : Column = ofNumbers (Tensor.Scalar number)

    /// <summary>A column of texts.</summary>
    static member op_Implicit(texts: string[]) : Column = Column.Of texts

    /// <summary>A column of numbers.</summary>
    static member op_Implicit(numbers: Tensor) : Column = Column.Of numbers

    /// <summary>A column of whole numbers.</summary>
    static member op_Implicit(numbers: int[]) : Column = Column.Of numbers

    /// <summary>A column of whole numbers.</summary>
    static member op_Implicit(numbers: int64[]) : Column = Column.Of numbers

    /// <summary>A column of numbers.</summary>
    static member op_Implicit(numbers: float32[]) : Column = Column.Of numbers

    /// <summary>A column of numbers.</summary>
    static member op_Implicit(numbers: float[]) : Column = Column.Of numbers

    /// <summary>The text of a single row.</summary>
    static member op_Implicit(text: string) : Column = Column.Of text

    /// <summary>The whole number of a single row.</summary>
    static member op_Implicit(number: int) : Column = Column.Of number

    /// <summary>The whole number of a single row.</summary>
    static member op_Implicit(number: int64) : Column = Column.Of number

    /// <summary>The number of a single row.</summary>
    static member op_Implicit(number: float32) : Column = Column.Of number

    /// <summary>The number of a single row.</summary>
    static member op_Implicit(number: float) : Column = Column.Of number

/// <summary>Columns of texts and numbers by name, of as many rows each, or a single row of values: data that are no tensor yet. A
/// <c>FeatureSpace</c> makes tensors of them. A dictionary of columns becomes a table by itself in C#. Immutable. Keras: a dictionary
/// of columns.</summary>
/// <param name="columns">Columns by name.</param>
/// <exception cref="T:FunctionalNet.DataException">There are no columns, two have one name, or they differ in the number of
/// rows.</exception>
/// <example><code>
/// var people = new Table(new Dictionary&lt;string, Column&gt; { ["age"] = new[] { 63, 41 }, ["city"] = new[] { "Paris", "Rome" } });
/// var rows = Dataset.FromTable(people, targets).Shuffle(1000).Batch(32);
/// </code></example>
[<Sealed>]
type Table(columns: IEnumerable<KeyValuePair<string, Column>>) =

    let names = List<string>()
    let byName = Dictionary<string, Column>()

    let wrong (path: string) (summary: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (DataException(summary, path, expected, actual, hint))

    do
        for entry in columns do
            if not (byName.TryAdd(entry.Key, entry.Value)) then
                wrong entry.Key "Two columns have one name." "a name for every column" entry.Key "Rename one of them."

            names.Add entry.Key

        if names.Count = 0 then
            wrong "Table" "A table has no columns." "one column or more" "none" "Give the data's columns by name."

        let first = byName[names[0]]

        for name in names do
            let column = byName[name]

            if column.IsValue <> first.IsValue then
                wrong
                    name
                    "Single values and columns are mixed."
                    "either arrays, or single values for one row"
                    "both"
                    "Give an array of one element for a column of one row."

            if column.RowCount <> first.RowCount then
                wrong
                    name
                    "Columns differ in the number of rows."
                    (string first.RowCount + " rows, as " + names[0] + " has")
                    (string column.RowCount)
                    "Give every column a value per row."

    member private _.With(change: Column -> Column) : Table =
        Table [ for name in names -> KeyValuePair(name, change byName[name]) ]

    /// <summary>The names of the columns, in their order.</summary>
    member _.Names: IReadOnlyList<string> = names

    /// <summary>Number of rows; 1 for a single row.</summary>
    member _.RowCount = byName[names[0]].RowCount

    /// <summary>True if it is a single row of values: its encoded features have no axis of rows.</summary>
    member _.IsRow = byName[names[0]].IsValue

    member internal _.TryFind(name: string) : Column voption =
        match byName.TryGetValue name with
        | true, column -> ValueSome column
        | _ -> ValueNone

    /// <summary>The column of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is none.</exception>
    member this.Item
        with get (name: string): Column =
            match this.TryFind name with
            | ValueSome column -> column
            | ValueNone -> raise (Names.unknown "column" "Table" name names)

    /// <summary>Rows one after another.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There are fewer rows.</exception>
    member this.Rows(first: int, count: int) : Table =
        this.CheckRange(first, count)
        this.With(fun column -> column.Take([| first .. first + count - 1 |], false))

    /// <summary>A single row.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such row.</exception>
    member this.Row(index: int) : Table =
        this.CheckRange(index, 1)
        this.With(fun column -> column.Take([| index |], true))

    member private this.CheckRange(first: int, count: int) =
        if first < 0 || count < 1 || first > this.RowCount - count then
            raise (
                ArgumentValueException(
                    "There are no such rows.",
                    "Table",
                    "rows from 0 to " + string (this.RowCount - 1),
                    string count + " from " + string first,
                    "RowCount tells how many there are."
                )
            )

    /// <summary>A table of single rows, which have the same columns.</summary>
    /// <param name="rows">One row or more.</param>
    /// <exception cref="T:FunctionalNet.DataException">There are none, they have other columns, or one is no single
    /// row.</exception>
    static member OfRows(rows: IReadOnlyList<Table>) : Table =
        let refuse (path: string) (expected: string) (actual: string) (hint: string) : 'a =
            raise (DataException("Rows cannot be put together to a table.", path, expected, actual, hint))

        if rows.Count = 0 then refuse "Table" "one row or more" "none" "Give rows."
        let first = rows[0]

        let joined (name: string) : Column =
            let columns =
                [| for row in rows do
                       if not row.IsRow then
                           refuse
                               "Table"
                               "single rows"
                               ("a table of " + string row.RowCount + " rows")
                               "Take single rows of it with Row."

                       match row.TryFind name with
                       | ValueSome column when row.Names.Count = first.Names.Count -> column
                       | _ ->
                           refuse
                               name
                               (String.Join(", ", first.Names))
                               (String.Join(", ", row.Names))
                               "Give every row the same columns." |]

            let texts =
                columns
                |> Array.choose (fun column ->
                    match column.Cells with
                    | Cells.Texts texts -> Some texts[0]
                    | Cells.Numbers _ -> None)

            if texts.Length = columns.Length then
                Column.Of texts
            elif texts.Length = 0 then
                Column.Of(Stacking.stack name 0 (columns |> Array.map (fun column -> column.Numbers)))
            else
                refuse name "texts or numbers in all rows" "both" "Give the column one type."

        Table [ for name in first.Names -> KeyValuePair(name, joined name) ]

    /// <summary>A table of a dictionary of columns.</summary>
    static member op_Implicit(columns: Dictionary<string, Column>) : Table = Table columns

/// <summary>Tables in pipelines of functions.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Table =

    /// <summary>A table of columns by name.</summary>
    /// <exception cref="T:FunctionalNet.DataException">There are no columns, two have one name, or they differ in the number of
    /// rows.</exception>
    /// <example><code>
    /// let people = Table.ofColumns [ "age", Column.Of [| 63; 41 |]; "city", Column.Of [| "Paris"; "Rome" |] ]
    /// </code></example>
    let ofColumns (columns: (string * Column) seq) : Table =
        Table [ for name, column in columns -> KeyValuePair(name, column) ]

    /// <summary>A single row.</summary>
    let row (index: int) (table: Table) : Table = table.Row index

    /// <summary>So many rows from one on.</summary>
    let rows (first: int) (count: int) (table: Table) : Table = table.Rows(first, count)

/// Elements of datasets that hold a table, with tensors beside it.
[<NoEquality; NoComparison>]
type internal TableElement<'T> = { Split: 'T -> struct (Table * Tensor[]); Join: Table -> Tensor[] -> 'T }

module internal TableElement =

    let private make<'A, 'T> (split: 'A -> struct (Table * Tensor[])) (join: Table -> Tensor[] -> 'A) =
        { Split = fun element -> split (unbox<'A>(box element))
          Join = fun table tensors -> unbox<'T>(box (join table tensors)) }

    /// How elements of a type are taken apart, if they hold a table.
    let tryOf<'T> () : TableElement<'T> voption =
        let kind = typeof<'T>

        if kind = typeof<Table> then
            ValueSome(make<Table, 'T> (fun table -> struct (table, [||])) (fun table _ -> table))
        elif kind = typeof<struct (Table * Tensor)> then
            ValueSome(
                make<struct (Table * Tensor), 'T> (fun (struct (table, y)) -> struct (table, [| y |])) (fun table t ->
                    struct (table, t[0]))
            )
        elif kind = typeof<struct (Table * Tensor * Tensor)> then
            ValueSome(
                make<struct (Table * Tensor * Tensor), 'T>
                    (fun (struct (table, y, w)) -> struct (table, [| y; w |]))
                    (fun table t -> struct (table, t[0], t[1]))
            )
        else
            ValueNone

    /// A batch of rows; `join` makes one tensor of those that stand at a place beside the table.
    let collate (join: int -> Tensor[] -> Tensor) (element: TableElement<'T>) (rows: 'T[]) : 'T =
        let parts = rows |> Array.map element.Split
        let tables = parts |> Array.map (fun (struct (table, _)) -> table)
        let struct (_, first) = parts[0]

        first
        |> Array.mapi (fun i _ -> join i (parts |> Array.map (fun (struct (_, tensors)) -> tensors[i])))
        |> element.Join(Table.OfRows tables)

    /// The rows of a table and of the tensors beside it.
    let rowsOf (stage: string) (join: Table -> Tensor[] -> 'T) (table: Table) (tensors: Tensor[]) : 'T seq =
        for tensor in tensors do
            let count = Stacking.rowCount stage [| tensor |]

            if count <> table.RowCount then
                raise (
                    DataException(
                        "A table and a tensor differ in the number of rows.",
                        stage,
                        string table.RowCount + " rows, as the table has",
                        string count,
                        "Give every row of the table its target."
                    )
                )

        seq {
            for i in 0 .. table.RowCount - 1 -> join (table.Row i) (tensors |> Array.map (fun t -> Stacking.row t i))
        }

    /// The rows of a batch.
    let rows (stage: string) (element: TableElement<'T>) (batch: 'T) : 'T seq =
        let struct (table, tensors) = element.Split batch
        rowsOf stage element.Join table tensors
