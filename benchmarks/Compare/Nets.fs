namespace FunctionalNet.Benchmarks.Compare

/// The networks of the workloads.
module internal Nets =

    let mlpSmall =
        { Input = [ 13 ]
          Ids = 0
          Parts = [ Part.Dense(64, true); Part.Dense(64, true); Part.Dense(1, false) ]
          Batch = 16
          Goal = Goal.Numbers [ 1 ] }

    let mlp =
        { Input = [ 784 ]
          Ids = 0
          Parts =
            [ Part.Dense(512, true)
              Part.Dropout 0.2
              Part.Dense(512, true)
              Part.Dropout 0.2
              Part.Dense(10, false) ]
          Batch = 128
          Goal = Goal.Classes 10 }

    let private convRelu filters = [ Part.Conv(filters, 3, 1, 0, true); Part.Relu ]
    let private pool = Part.MaxPool(2, 2, 0)

    let cnn =
        { Input = [ 28; 28; 1 ]
          Ids = 0
          Parts =
            [ yield! convRelu 32
              pool
              yield! convRelu 64
              pool
              Part.Flatten
              Part.Dropout 0.5
              Part.Dense(10, false) ]
          Batch = 128
          Goal = Goal.Classes 10 }

    let cnnTutorial =
        { Input = [ 28; 28; 1 ]
          Ids = 0
          Parts =
            [ yield! convRelu 32
              yield! convRelu 64
              pool
              Part.Dropout 0.25
              Part.Flatten
              Part.Dense(128, true)
              Part.Dropout 0.5
              Part.Dense(10, false) ]
          Batch = 128
          Goal = Goal.Classes 10 }

    let private convNorm filters size stride padding =
        [ Part.Conv(filters, size, stride, padding, false); Part.BatchNorm ]

    /// Residual blocks of two convolutions; a block that changes the shape projects its input.
    let resNet20 =
        let block filters stride =
            let main = [ yield! convNorm filters 3 stride 1; Part.Relu; yield! convNorm filters 3 1 1 ]

            [ Part.Sum(main, (if stride = 1 then [] else convNorm filters 1 stride 0)); Part.Relu ]

        { Input = [ 32; 32; 3 ]
          Ids = 0
          Parts =
            [ yield! convNorm 16 3 1 1
              Part.Relu
              for filters, first in [ 16, 1; 32, 2; 64, 2 ] do
                  for stride in [ first; 1; 1 ] do
                      yield! block filters stride
              Part.GlobalAverage
              Part.Dense(10, false) ]
          Batch = 64
          Goal = Goal.Classes 10 }

    /// Residual blocks of three convolutions, as in He et al. 2015.
    let resNet50 =
        let block filters stride first =
            let main =
                [ yield! convNorm filters 1 stride 0
                  Part.Relu
                  yield! convNorm filters 3 1 1
                  Part.Relu
                  yield! convNorm (4 * filters) 1 1 0 ]

            [ Part.Sum(main, (if first then convNorm (4 * filters) 1 stride 0 else [])); Part.Relu ]

        { Input = [ 224; 224; 3 ]
          Ids = 0
          Parts =
            [ yield! convNorm 64 7 2 3
              Part.Relu
              Part.MaxPool(3, 2, 1)
              for filters, blocks, stride in [ 64, 3, 1; 128, 4, 2; 256, 6, 2; 512, 3, 2 ] do
                  for i in 1..blocks do
                      yield! block filters (if i = 1 then stride else 1) (i = 1)
              Part.GlobalAverage
              Part.Dense(1000, false) ]
          Batch = 1
          Goal = Goal.Classes 1000 }

    /// An encoder block of Vaswani et al. 2017.
    let transformer =
        { Input = [ 64; 128 ]
          Ids = 0
          Parts =
            [ Part.Sum([ Part.Attention 4; Part.Dropout 0.1 ], [])
              Part.LayerNorm
              Part.Sum([ Part.Dense(512, true); Part.Dense(128, false); Part.Dropout 0.1 ], [])
              Part.LayerNorm ]
          Batch = 16
          Goal = Goal.Numbers [ 64; 128 ] }

    let private recurrent (layer: Part) (time: int) =
        { Input = [ time ]
          Ids = 2000
          Parts = [ Part.Embedding(2000, 128); layer; Part.Dense(1, false) ]
          Batch = 32
          Goal = Goal.YesNo }

    let lstm (time: int) = recurrent (Part.Lstm 128) time
    let gru (time: int) = recurrent (Part.Gru 128) time
